"""Blocks: named arrays over one flat vector. Parameters, theta, potentials and expected counts are all Blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Blocks(Mapping[str, Array]):
    """Named float64 arrays that are views of one flat vector; they add and scale as one.

    Parameters
    ----------
    arrays : mapping of str to array
        Copied. A dotted name (``forward.lexical``) says whose part the array is.

    Examples
    --------
    >>> counts = Blocks({"coin": [1.0, 2.0], "side": [[3.0], [4.0]]})
    >>> (counts + 2 * counts)["coin"]
    array([3., 6.])
    >>> counts.flat
    array([1., 2., 3., 4.])
    >>> Blocks({"left.coin": [1.0], "right.coin": [5.0]}).part("right")["coin"]
    array([5.])
    """

    flat: Array

    def __init__(self, arrays: Mapping[str, object]) -> None:
        values = {name: np.asarray(array, np.float64) for name, array in arrays.items()}
        flat = np.empty(sum(array.size for array in values.values()))
        self._view(flat, {name: array.shape for name, array in values.items()})
        for name, array in values.items():
            self._arrays[name][...] = array

    def _view(self, flat: Array, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.flat, self._arrays, at = flat, {}, 0
        for name, shape in shapes.items():
            size = int(np.prod(shape))
            self._arrays[name] = flat[at : at + size].reshape(shape)
            at += size

    def like(self, flat: Array) -> Blocks:
        """Return Blocks of the same names and shapes over another flat vector (not copied)."""
        blocks = Blocks.__new__(Blocks)
        blocks._view(flat, {name: array.shape for name, array in self.items()})
        return blocks

    def zeros(self) -> Blocks:
        """Return Blocks of the same names and shapes, all 0."""
        return self.like(np.zeros_like(self.flat))

    def copy(self) -> Blocks:
        """Return a copy that shares no memory."""
        return self.like(self.flat.copy())

    def part(self, name: str) -> Blocks:
        """Return the blocks ``name.*`` without that prefix, as views of the same memory."""
        part = Blocks.__new__(Blocks)
        part._arrays = {key[len(name) + 1 :]: array for key, array in self.items() if key.startswith(name + ".")}
        ends = [(array.ctypes.data - self.flat.ctypes.data) // 8 + np.array([0, array.size]) for array in part.values()]
        part.flat = self.flat[ends[0][0] : ends[-1][1]] if ends else self.flat[:0]
        return part

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __add__(self, other: Blocks) -> Blocks:
        return self.like(self.flat + other.flat)

    def __iadd__(self, other: Blocks) -> Blocks:
        self.flat += other.flat
        return self

    def __sub__(self, other: Blocks) -> Blocks:
        return self.like(self.flat - other.flat)

    def __mul__(self, scale: float) -> Blocks:
        return self.like(self.flat * scale)

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"Blocks({', '.join(f'{name} {array.shape}' for name, array in self.items())})"


def prefixed(name: str, blocks: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays under dotted names ``name.*``; the inverse of `Blocks.part`."""
    return {f"{name}.{key}": array for key, array in blocks.items()}
