"""Blocks: named arrays that add and scale as one. Parameters, theta, potentials and expected counts are all Blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Blocks(Mapping[str, Array]):
    """Named float64 arrays; potentials may be float32.

    They are held, not copied: on a lexicon of millions of slots every copy counts. An optimiser that wants one vector
    takes `flat`, and puts it back with `like`.

    Parameters
    ----------
    arrays : mapping of str to array
        A dotted name (``forward.lexical``) says whose part the array is.

    Examples
    --------
    >>> counts = Blocks({"coin": [1.0, 2.0], "side": [[3.0], [4.0]]})
    >>> (counts + 2 * counts)["coin"]
    array([3., 6.])
    >>> counts.like(counts.flat[::-1])["side"]
    array([[2.],
           [1.]])
    >>> Blocks({"left.coin": [1.0], "right.coin": [5.0]}).part("right")["coin"]
    array([5.])
    """

    __array_ufunc__ = None  # so that a NumPy scalar times Blocks asks Blocks

    def __init__(self, arrays: Mapping[str, ArrayLike]) -> None:
        self._arrays: dict[str, Array] = {name: _held(array) for name, array in arrays.items()}

    @property
    def flat(self) -> Array:
        """One vector of all arrays, in order; a copy."""
        return np.concatenate([np.empty(0), *(array.ravel() for array in self.values())])

    def like(self, flat: Array) -> Blocks:
        """Return Blocks of the same names and shapes, as views of another flat vector."""
        ends = np.cumsum([array.size for array in self.values()])
        arrays = (flat[end - array.size : end].reshape(array.shape) for end, array in zip(ends, self.values()))
        return Blocks(dict(zip(self, arrays)))

    @property
    def nbytes(self) -> int:
        """The size of all arrays, in bytes."""
        return sum(array.nbytes for array in self.values())

    def zeros(self) -> Blocks:
        """Return float64 Blocks of the same names and shapes, all 0."""
        return Blocks({name: np.zeros(array.shape) for name, array in self.items()})

    def copy(self) -> Blocks:
        """Return a copy that shares no memory."""
        return Blocks({name: array.copy() for name, array in self.items()})

    def part(self, name: str) -> Blocks:
        """Return the blocks ``name.*`` without that prefix: the same arrays."""
        return Blocks({key[len(name) + 1 :]: array for key, array in self.items() if key.startswith(name + ".")})

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __add__(self, other: Blocks) -> Blocks:
        return Blocks({name: array + other[name] for name, array in self.items()})

    def __iadd__(self, other: Blocks) -> Blocks:
        for name, array in self.items():
            array += other[name]
        return self

    def __sub__(self, other: Blocks) -> Blocks:
        return Blocks({name: array - other[name] for name, array in self.items()})

    def __mul__(self, scale: float) -> Blocks:
        return Blocks({name: array * scale for name, array in self.items()})

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"Blocks({', '.join(f'{name} {array.shape}' for name, array in self.items())})"


def _held(array: ArrayLike) -> Array:
    if isinstance(array, np.ndarray) and array.dtype == np.float32:
        return array  # for kernels alone
    return np.asarray(array, np.float64)


def prefixed(name: str, blocks: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays under dotted names ``name.*``; the inverse of `Blocks.part`."""
    return {f"{name}.{key}": array for key, array in blocks.items()}
