"""Extrema of a map and links of points, slowly: every cell looks at every other one."""

from __future__ import annotations

import itertools

import numpy as np

RADIUS = 6371.0


def distance(lat1, lon1, lat2, lon2):
    """Great circle in km, from the chord."""
    a, b, c, d = (np.radians(v) for v in (lat1, lon1, lat2, lon2))
    x = np.cos(a) * np.cos(b) - np.cos(c) * np.cos(d)
    y = np.cos(a) * np.sin(b) - np.cos(c) * np.sin(d)
    chord = np.sqrt(x**2 + y**2 + (np.sin(a) - np.sin(c)) ** 2)
    return 2 * RADIUS * np.arcsin(np.minimum(chord / 2, 1))


def neighbours(shape, cell, latitude, periodic, connectivity):
    """Cells that touch a cell, and None for each that is unknown."""
    rows, columns = shape
    row, column = cell
    for down, right in itertools.product((-1, 0, 1), repeat=2):
        if (down, right) == (0, 0) or (connectivity == 4 and down and right):
            continue
        r, c = row + down, column + right
        if not 0 <= r < rows:
            step = abs(latitude[1] - latitude[0])
            if abs(latitude[row]) > 90 - 1e-9:
                continue
            if not periodic or abs(latitude[row]) + step / 2 < 90 - 1e-6:
                yield None
                continue
            if columns % 2:
                continue
            r, c = row, c + columns // 2
        yield (r, c % columns) if periodic or 0 <= c < columns else None


def minima(field, latitude, longitude, *, connectivity=8, search=0.0, merge=0.0, reach=600.0, depth=0.0):
    """Rows of (row, column, value, depth) in row-major order."""
    rows, columns = field.shape
    step = longitude[1] - longitude[0]
    periodic = abs(step * columns - 360) < 1e-6
    height = np.where(np.isfinite(field), field, np.inf).astype("float64")
    for row in range(rows):
        if abs(latitude[row]) > 90 - 1e-9:
            height[row] = height[row].min()
    near = {
        cell: list(neighbours(height.shape, cell, latitude, periodic, connectivity))
        for cell in itertools.product(range(rows), range(columns))
    }
    far = {cell: distance(latitude[cell[0]], longitude[cell[1]], latitude[:, None], longitude) for cell in near}
    found = list(_level_minima(height, near))
    if search:
        found = [cell for cell in found if not (height[far[cell] <= search] < height[cell]).any()]
    if merge:
        found = [
            cell
            for cell in found
            if not any(
                far[cell][other] <= merge and (height[other], other) < (height[cell], cell)
                for other in found
                if other != cell
            )
        ]
    table = [(*cell, height[cell], _depth(height, cell, near, far[cell], reach)) for cell in found]
    return [row for row in table if row[3] >= depth]


def _level_minima(height, near):
    """First cell of each level ground that has neither a lower nor an unknown neighbour."""
    seen = set()
    for cell in near:
        if cell in seen or not np.isfinite(height[cell]):
            continue
        ground, todo = {cell}, [cell]
        while todo:
            for other in near[todo.pop()]:
                if other is not None and height[other] == height[cell] and other not in ground:
                    ground.add(other)
                    todo.append(other)
        seen |= ground
        around = [other for member in ground for other in near[member]]
        if None not in around and not any(height[other] < height[cell] for other in around):
            yield cell


def _depth(height, cell, near, far, reach):
    """Lowest level at which water that rises over the cell gets away."""
    for level in np.unique(height[(height >= height[cell]) & np.isfinite(height)]):
        wet, todo = {cell}, [cell]
        while todo:
            for other in near[todo.pop()]:
                if other is None or not np.isfinite(height[other]) or far[other] > reach:
                    return level - height[cell]
                if height[other] <= level and other not in wet:
                    wet.add(other)
                    todo.append(other)
    return np.inf


def links(step, latitude, longitude, limit, gap):
    """Number of the track of each point, with scipy's linear assignment; points are sorted by step and latitude."""
    from scipy.optimize import linear_sum_assignment

    track = np.full(len(step), -1)
    count = 0
    for now in np.unique(step):
        points = np.flatnonzero(step == now)
        ends = [
            (number, np.flatnonzero(track == number)[-1])
            for number in range(count)
            if now - step[track == number].max() - 1 <= gap
        ]
        last = np.array([point for _, point in ends], dtype=int)
        d = distance(latitude[last][:, None], longitude[last][:, None], latitude[points], longitude[points])
        for i, j in zip(*linear_sum_assignment(np.minimum(d**2, limit**2)), strict=True):
            if d[i, j] <= limit:
                track[points[j]] = ends[i][0]
        for point in points[track[points] < 0]:
            track[point] = count
            count += 1
    return track
