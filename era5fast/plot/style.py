"""What all pictures share: colours, figures, numbers and places as text."""

from __future__ import annotations

import io
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import ScaledTranslation

from ..errors import InputError
from ..event_export import replacing
from ..wording import named

#: Moderate, strong, severe, extreme (Hobday et al. 2018).
CATEGORIES = {1: "moderate", 2: "strong", 3: "severe", 4: "extreme"}
CATEGORY_COLOURS = {1: "#ffc866", 2: "#ff6900", 3: "#9e0000", 4: "#2d0000"}

#: Of Okabe and Ito: apart for the colour-blind as well; black comes last, it is the colour of lines and text.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")

STRONG, PALE, GREY = "#c0392b", "#f2c1b5", "#5a5a5a"
#: Events, or parts of them, that reach no category.
NO_CATEGORY = "#dddddd"


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes given, or new ones on a figure of their own."""
    if ax is not None:
        if not isinstance(ax, Axes):
            raise InputError(f"ax is {named(ax)}, must be matplotlib axes")
        return ax
    axes: Axes = new_figure(size).add_subplot(axes_class=ShownAxes)
    return axes


class ShownFigure(Figure):
    """A figure that notebooks show when it is the last value of a cell, without a magic command."""

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        self.savefig(written, format="png", dpi=100)
        return written.getvalue()


class ShownAxes(Axes):
    """Axes for which notebooks show their figure."""

    def _repr_png_(self) -> bytes | None:
        figure = self.get_figure(root=True)
        return figure._repr_png_() if isinstance(figure, ShownFigure) else None


def new_figure(size: tuple[float, float]) -> Figure:
    """A figure that needs no window, and no :mod:`matplotlib.pyplot` to keep it."""
    figure = ShownFigure(figsize=size, layout=ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.08))  # in inches
    FigureCanvasAgg(figure)
    return figure


def save(drawn: Axes, path: str | os.PathLike[str] | None) -> None:
    """Write the figure of some axes when there is a path for it; its ending decides the format.

    Raises
    ------
    InputError
        If the ending is none that matplotlib writes.
    StorageError
        If the file cannot be written.
    """
    if path is None:
        return
    target = Path(os.fsdecode(path)).absolute()
    figure = drawn.get_figure(root=True)
    assert figure is not None
    ending = check_picture(target)
    with replacing(target, overwrite=True) as part:
        figure.savefig(part, dpi=150, format=ending)


def check_picture(target: Path) -> str:
    """The format of a picture, which the ending of its name decides.

    Raises
    ------
    InputError
        If the ending is none that matplotlib writes.
    """
    formats, ending = sorted(FigureCanvasAgg.get_supported_filetypes()), target.suffix[1:].lower()
    if ending not in formats:
        hint = f"it may end in {', '.join(formats)}"
        raise InputError(f"{target.name}: no picture can be written as '{target.suffix}'", hint=hint)
    return ending


def plain_look(axes: Axes) -> None:
    """Only the two spines that carry numbers."""
    axes.spines[["top", "right"]].set_visible(False)


def inches_of(axes: Axes) -> float:
    """Width of axes as they are now; the layout may still change it a little."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    share = 0.9 if isinstance(axes, ShownAxes) else axes.get_position().width
    return float(figure.get_figwidth() * share)


def fitting(axes: Axes, each: float, most: int) -> int:
    """How many numbers, of so many inches each, have room below axes; two at least."""
    return int(np.clip(inches_of(axes) / each, 2, most))


def give_title(axes: Axes, text: str) -> None:
    """Write a title over axes, in several lines where it is long."""
    axes.set_title(wrapped(text, 1.1 * inches_of(axes), 11), fontsize=11)


def say_nothing_there(axes: Axes, text: str = "no events") -> None:
    """Say in the middle of axes that there is nothing to draw."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY, zorder=9)


def legend_below(axes: Axes, handles: list[Any], inches: float = 0.42, size: float = 8.0) -> None:
    """A legend so many inches below axes, in as many columns as have room there."""
    room = inches_of(axes)
    figure = axes.get_figure(root=True)
    assert figure is not None
    for handle in handles:
        handle.set_label(_in_lines(str(handle.get_label()), max(room - _KEY, 1.0), size))
    columns = next((n for n in range(len(handles), 1, -1) if _width(handles, n, size) <= room), 1)
    below = axes.transAxes + ScaledTranslation(0, -inches, figure.dpi_scale_trans)
    axes.legend(
        handles=handles, fontsize=size, frameon=False, loc="upper left", ncols=columns, borderaxespad=0,
        bbox_to_anchor=(0, 0), bbox_transform=below,
    )  # fmt: skip


_KEY = 0.55  # inches of what stands before a text of a legend, and behind it


def _width(handles: list[Any], columns: int, size: float) -> float:
    """Inches of a legend: each column is as wide as its longest line, and letters about half of their height."""
    rows = -(-len(handles) // columns)
    lengths = [max(map(len, str(handle.get_label()).split("\n"))) for handle in handles]
    longest = [max(lengths[first : first + rows]) for first in range(0, len(lengths), rows)]
    return sum(_KEY + letters * 0.54 * size / 72 for letters in longest)


def compact(number: float) -> str:
    """A number as people write it on a bar: 1.24 million, 38,200, 2.51."""
    size = abs(number)
    if not np.isfinite(number):
        return "–"
    for power, word in ((1e9, " billion"), (1e6, " million")):
        if power <= size < 1000 * power:
            return _minus(f"{number / power:.3g}{word}")
    return _minus(f"{number:,.0f}" if 1000 <= size < 1e6 else f"{number:.3g}")


def _minus(text: str) -> str:
    return text.replace("-", "−") if "e" not in text else text


def name_in_words(attrs: Mapping[str, Any], name: str, otherwise: str) -> str:
    """What data are called: their long name, or the end of it where it is very long, or their name."""
    text = str(attrs.get("long_name") or "")
    if len(text) > _LONG:
        text = text.rpartition(": ")[2]
    return (text if len(text) <= _LONG else name) or name or otherwise


_LONG = 40


def degrees(value: float, positive: str, negative: str) -> str:
    """A latitude or longitude with its letter: 47.5°N."""
    letter = positive if value > 0 else negative if value < 0 else ""
    return f"{abs(value):.4g}°{letter}"


def latitude_text(value: float) -> str:
    """A latitude, such as 47.5°N."""
    return degrees(value, "N", "S")


def longitude_text(value: float) -> str:
    """A longitude brought into −180 … 180, such as 10°W."""
    turned = (value + 180) % 360 - 180
    return "180°" if turned == -180 else degrees(turned, "E", "W")


def place_text(latitude: float, longitude: float) -> str:
    """A place, such as 47.5°N 10°W; empty where it is unknown."""
    if not (np.isfinite(latitude) and np.isfinite(longitude)):
        return ""
    return f"{latitude_text(round(latitude, 2))} {longitude_text(round(longitude, 2))}"


def with_units(what: str, units: str) -> str:
    """A label with its units in brackets, when there are any."""
    return f"{what} ({units})" if units else what


def one_line(text: Any) -> str:
    """Text for a title as it is: names of data may hold the signs that matplotlib takes for formulas."""
    return " ".join(str(text).split()).replace("$", r"\$")


def wrapped(text: Any, inches: float, size: float) -> str:
    """Text for a title or a legend, in lines that fit into a width at a size of letters in points."""
    return _in_lines(one_line(text), inches, size)


def _in_lines(text: str, inches: float, size: float) -> str:
    letters = max(int(inches * 72 / (0.56 * size)), 20)  # letters are about 0.56 as wide as they are high
    return "\n".join(textwrap.wrap(text, letters))
