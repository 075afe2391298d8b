"""One planned job: a request as it is sent, with the name of its file and what it costs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from . import region
from .canonical import canonical, plain
from .dataset_table import DATASETS
from .fields import Fields, fields_of
from .names import file_name
from .variable_table import stream_of

__all__ = ["Job"]

#: Bytes that one value takes in an answer, on average, and bytes per time step or message beside the values.
_BYTES = {"netcdf": (1.9, 65.0), "grib": (2.0, 110.0)}


@dataclass(frozen=True)
class Job:
    """One request as it is sent.

    Attributes
    ----------
    dataset : str
        Dataset of the service.
    inputs : dict
        Keys and values of the request.
    name : str
        Name of the file that the answer gets.
    fields : int
        Number of fields asked for; 0 where the request does not tell.
    size : int
        Expected bytes; 0 where they cannot be told.
    cost : float
        Cost at the service, as it was when the plan was made.
    limit : float
        What one request may cost; infinite where there is no limit.
    """

    dataset: str
    inputs: dict[str, Any]
    name: str
    fields: int
    size: int
    cost: float = 0.0
    limit: float = math.inf

    @property
    def fields_text(self) -> str:
        """The number of fields in words."""
        return f"{self.fields:,} fields" if self.fields else "fields not known"

    @property
    def inputs_json(self) -> str:
        """The request as canonical JSON."""
        return canonical(self.inputs)

    @classmethod
    def of(
        cls, dataset: str, inputs: dict[str, Any], name: str | None = None, *, weight: float = 1.0,
        limit: float = math.inf,
    ) -> Job:  # fmt: skip
        """Job of a request.

        Parameters
        ----------
        dataset : str
            Dataset of the service.
        inputs : dict
            The request; numbers and arrays of NumPy and dates become what JSON has for them.
        name : str, optional
            Name of its file; a readable one when left out.
        weight : float
            Cost of one field.
        limit : float
            What one request may cost.

        Raises
        ------
        InputError
            If something in the request cannot be sent.
        """
        inputs = plain(inputs)
        box = fields_of(dataset, inputs)
        count = box.count if box is not None else 0
        size = _size(box) if box is not None else 0
        return cls(dataset, inputs, name or file_name(dataset, inputs), count, size, count * weight, limit)

    def part(self, box: Fields) -> Job:
        """Job of a box that was cut from this one's fields."""
        weight = self.cost / self.fields if self.fields else 1.0
        return Job.of(self.dataset, box.inputs, weight=weight, limit=self.limit)


def _size(box: Fields) -> int:
    row, shared = DATASETS[box.dataset], json.loads(box.context)
    stream = shared.get("stream", [stream_of(box.variables[0])])[0]
    step = row.native_grid("".join(shared.get("product_type", [])), stream)
    grid = shared.get("grid", [step, step])
    per_value, per_step = _BYTES.get(shared["data_format"][0], _BYTES["netcdf"])
    members = 10 if "members" in "".join(shared.get("product_type", [])) else 1
    steps = len(box.days) * box.mask.bit_count() if shared["data_format"] == ["netcdf"] else box.count
    values = box.count * region.cells(shared.get("area"), (grid[0], grid[-1])) * members
    return int(values * per_value + steps * per_step)
