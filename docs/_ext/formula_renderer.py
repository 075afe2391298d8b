"""Formulas as MathML, which browsers draw themselves: no script, no network, and words that can be searched.

Each line of TeX is a line of its own.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx


def _mathml(tex: str, *, as_block: bool = False) -> str:
    """Braces of a set keep the height of a line: without a font for mathematics browsers draw tall ones badly."""
    return re.sub(r"<mo>([{}])</mo>", r'<mo stretchy="false">\1</mo>', tex2mathml(tex, as_block=as_block))


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(_mathml(node.astext()))
    raise nodes.SkipNode


def _display(self: Any, node: nodes.math_block) -> None:
    lines = "".join(_mathml(line, as_block=True) for line in node.astext().splitlines() if line.strip())
    self.body.append(f'<div class="formula">{lines}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the renderer, the only one here."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
