"""Where the nodes of a graph lie in the plane, so that a page need not work it out.

    places = layout(nodes=3, lines=[(0, 1), (1, 2)], seed=0)

Every connected part is laid out by forces and the parts are packed side by side. Same input and seed, same places.
The forces are those of Fruchterman and Reingold (1991): each pair of nodes repels by 1/d, each line pulls by d^2, for
a distance d in lengths of a line. In large parts repulsion is read off a grid: the nodes' density, convolved with 1/d
by a Fourier transform, which takes the same time however the nodes lie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.float64]
Lines = npt.NDArray[np.int64]

LENGTH = 70.0
"""A line's length, in units of the page at zoom 1."""
EXACT = 160
"""Parts up to this many nodes get the repulsion of every pair."""
GRID = 256
"""Cells on a side, for larger parts."""
STEPS = 160
"""Moves of a part; each smaller than the one before."""
SHAPE = 1.5
"""Width of the whole, by its height."""


def layout(nodes: int, lines: Sequence[tuple[int, int]], seed: int = 0) -> Places:
    """Places of the nodes.

    Args:
        nodes: how many.
        lines: pairs of nodes, each counted from 0; a line from a node to itself says nothing.

    Returns:
        An array [nodes, 2] of x and y, the middle of the whole at 0.
    """
    out: Places = np.zeros((nodes, 2))
    if not nodes:
        return out
    ends: Lines = np.array([(a, b) for a, b in lines if a != b], dtype=np.int64).reshape(-1, 2)
    ends = np.unique(np.sort(ends, axis=1), axis=0)
    parts = _parts(nodes, ends)
    part_of = np.empty(nodes, dtype=np.int64)
    at = np.empty(nodes, dtype=np.int64)
    for n, part in enumerate(parts):
        part_of[part] = n
        at[part] = np.arange(len(part))
    order = np.argsort(part_of[ends[:, 0]], kind="stable")
    ends = ends[order]
    borders = np.searchsorted(part_of[ends[:, 0]], np.arange(len(parts) + 1))
    sizes = []
    for n, part in enumerate(parts):
        inner = at[ends[borders[n] : borders[n + 1]]]
        found = _part(len(part), inner, np.random.default_rng((seed, n))) * LENGTH
        low = found.min(axis=0)
        out[part] = found - low
        sizes.append(found.max(axis=0) - low + LENGTH)
    corners = _packed(np.array(sizes))
    out += corners[part_of]
    out -= (out.max(axis=0) + out.min(axis=0)) / 2
    return out


def _parts(nodes: int, ends: Lines) -> list[Lines]:
    """The connected parts, largest first, then by their first node."""
    root = list(range(nodes))

    def top(n: int) -> int:
        while root[n] != n:
            root[n] = root[root[n]]
            n = root[n]
        return n

    for a, b in ends.tolist():
        a, b = top(a), top(b)
        root[max(a, b)] = min(a, b)
    found: dict[int, list[int]] = {}
    for n in range(nodes):
        found.setdefault(top(n), []).append(n)
    return [np.array(part) for part in sorted(found.values(), key=lambda part: (-len(part), part[0]))]


def _part(nodes: int, ends: Lines, random: np.random.Generator) -> Places:
    """One connected part, in lengths of a line."""
    degrees = np.bincount(ends.ravel(), minlength=nodes)
    hub = int(degrees.argmax())
    if nodes == len(ends) + 1 == degrees[hub] + 1:  # a star, or less
        turn = np.linspace(0, 2 * np.pi, nodes - 1, endpoint=False)
        out = np.zeros((nodes, 2))
        wide = max(1.0, nodes / 12)
        out[np.arange(nodes) != hub] = wide * np.stack([np.cos(turn), np.sin(turn) * (nodes > 2)], axis=1)
        return out
    places = _spread(nodes, ends, degrees, random)
    repulsion: Callable[[Places], Places] = _Pairs() if nodes <= EXACT else _Grid()
    wide = float(np.sqrt(nodes))
    for step in range(STEPS):
        force = repulsion(places)
        apart = places[ends[:, 1]] - places[ends[:, 0]]
        pull = apart * np.sqrt((apart**2).sum(axis=1, keepdims=True))
        for axis in (0, 1):
            force[:, axis] += np.bincount(ends[:, 0], pull[:, axis], nodes)
            force[:, axis] -= np.bincount(ends[:, 1], pull[:, axis], nodes)
        size = np.sqrt((force**2).sum(axis=1, keepdims=True)) + 1e-9
        most = 0.12 * wide * (1 - step / STEPS) ** 2 + 0.02
        places += force / size * np.minimum(size, most)
    return _turned(places)


def _spread(nodes: int, ends: Lines, degrees: Lines, random: np.random.Generator) -> Places:
    """A start that is unfolded already: each node towards the mean of its neighbours, the whole kept wide."""
    places: Places = random.normal(size=(nodes, 2))
    for _ in range(60):
        mean = np.empty_like(places)
        for axis in (0, 1):
            mean[:, axis] = (np.bincount(ends[:, 0], places[ends[:, 1], axis], nodes)
                             + np.bincount(ends[:, 1], places[ends[:, 0], axis], nodes)) / degrees
        places = (places + mean) / 2
        places -= places.mean(axis=0)
        x, y = places.T
        y -= x * (x @ y) / (x @ x + 1e-12)
        places /= places.std(axis=0) + 1e-9
    noise = random.normal(size=places.shape) * 0.05
    start: Places = (np.clip(places, -3, 3) + noise) * np.sqrt(nodes) / 3
    return start


class _Pairs:
    def __call__(self, places: Places) -> Places:
        apart = places[:, None] - places[None]
        found: Places = (apart / ((apart**2).sum(axis=2, keepdims=True) + 1e-3)).sum(axis=1)
        return found


class _Grid:
    def __init__(self) -> None:
        # Twice as wide as the grid, so that what leaves on one side does not come in on the other.
        offset = np.fft.fftfreq(2 * GRID, 1 / (2 * GRID))
        square = offset[:, None] ** 2 + offset[None] ** 2
        square[0, 0] = np.inf
        self.kernels = [np.fft.rfft2(offset[:, None] / square), np.fft.rfft2(offset[None] / square)]

    def __call__(self, places: Places) -> Places:
        low = places.min(axis=0)
        cell = max(float((places.max(axis=0) - low).max()), 1e-9) / (GRID - 2)
        inside = (places - low) / cell
        corner = inside.astype(np.int64)
        share = inside - corner
        spots = []
        for dx in (0, 1):
            for dy in (0, 1):
                weight = np.abs(1 - dx - share[:, 0]) * np.abs(1 - dy - share[:, 1])
                spots.append(((corner[:, 0] + dx) * 2 * GRID + corner[:, 1] + dy, weight))
        density = sum(np.bincount(spot, weight, 4 * GRID * GRID) for spot, weight in spots)
        wave = np.fft.rfft2(np.reshape(density, (2 * GRID, 2 * GRID)))
        force = np.empty_like(places)
        for axis, kernel in enumerate(self.kernels):
            field = np.fft.irfft2(wave * kernel, s=(2 * GRID, 2 * GRID)).ravel()
            force[:, axis] = sum(field[spot] * weight for spot, weight in spots) / cell
        return force


def _turned(places: Places) -> Places:
    """Turned so that the longer side lies flat."""
    places = places - places.mean(axis=0)
    _, axes = np.linalg.eigh(places.T @ places)
    flat: Places = places @ axes[:, ::-1]
    return flat


def _packed(sizes: Places) -> Places:
    """Corners of boxes that do not overlap: each, in order of height, as low as it can be."""
    unit = LENGTH / 2
    cells = np.ceil(sizes / unit).astype(np.int64)
    wide = max(int(np.sqrt(cells.prod(axis=1).sum() * SHAPE)), int(cells[:, 0].max()))
    floor = np.zeros(wide, dtype=np.int64)
    out = np.zeros((len(cells), 2))
    for n in np.argsort(-cells[:, 1], kind="stable").tolist():
        across, high = cells[n].tolist()
        rest = np.lib.stride_tricks.sliding_window_view(floor, across).max(axis=1)
        left = int(rest.argmin())
        out[n] = left, rest[left]
        floor[left : left + across] = rest[left] + high
    return out * unit
