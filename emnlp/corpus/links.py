"""Word links of many sentence pairs, as ragged arrays; the Pharaoh format ``i-j``, 0-based, source first."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus.files import display_name, read_text, write_text
from emnlp.errors import InputError

_CHUNK = 4096
_LINK = re.compile("0*([0-9]{1,7})-0*([0-9]{1,7})")


@dataclass(frozen=True, eq=False, repr=False)
class Links:
    """The word links of n sentence pairs; behaves as a sequence of lists of ``(i, j)``.

    Parameters
    ----------
    starts : (n + 1,) int64
        The links of pair k are those from ``starts[k]`` up to ``starts[k + 1]``.
    source, target : (L,) int32
        0-based word positions, source first.

    Examples
    --------
    >>> links = Links.from_lists([[(0, 0), (1, 2)], []])
    >>> len(links), links[0]
    (2, [(0, 0), (1, 2)])
    >>> list(links.pharaoh())
    ['0-0 1-2', '']
    """

    starts: NDArray[np.int64]
    source: NDArray[np.int32]
    target: NDArray[np.int32]

    @classmethod
    def from_lists(cls, sentences: Iterable[Iterable[tuple[int, int]]]) -> Links:
        """Build from one list of ``(i, j)`` a sentence pair, kept in the order given."""
        lists = [list(links) for links in sentences]
        starts = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(links) for links in lists], out=starts[1:])
        flat = np.array([link for links in lists for link in links], np.int32).reshape(-1, 2)
        return cls(starts, flat[:, 0].copy(), flat[:, 1].copy())

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Links:
        """Read Pharaoh lines ``i-j i-j ...``, one a sentence pair; ``-`` is standard input.

        Raises
        ------
        InputError
            If the file cannot be read, or an item is not ``i-j``; the message names the line.
        """
        name, text = display_name(path), read_text(path)
        lines = text.removesuffix("\n").split("\n") if text else []
        return cls.from_lists(_parse(line, f"{name}:{n}") for n, line in enumerate(lines, 1))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __repr__(self) -> str:
        return f"Links({len(self):,} pairs, {len(self.source):,} links)"

    @overload
    def __getitem__(self, k: int) -> list[tuple[int, int]]: ...
    @overload
    def __getitem__(self, k: slice) -> Links: ...
    def __getitem__(self, k: int | slice) -> list[tuple[int, int]] | Links:
        if isinstance(k, slice):
            return Links.from_lists(self[n] for n in range(len(self))[k])
        k = range(len(self))[k]  # negative positions, and an IndexError beyond the end
        here = slice(self.starts[k], self.starts[k + 1])
        return list(zip(self.source[here].tolist(), self.target[here].tolist()))

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return (self[k] for k in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Links):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in ("starts", "source", "target"))

    __hash__ = None  # type: ignore[assignment]

    def reversed(self) -> Links:
        """Swap source and target; each sentence's links are sorted again."""
        return Links.from_lists(sorted((j, i) for i, j in links) for links in self)

    def pharaoh(self) -> Iterator[str]:
        """Yield one line ``i-j i-j ...`` a sentence pair, without newline."""
        width = 1 + int(self.target.max(initial=0))
        named: dict[int, str] = {}  # every link that occurs, written once
        for first in range(0, len(self), _CHUNK):  # in chunks: as Python objects, links are large
            bounds = self.starts[first : first + _CHUNK + 1]
            here = slice(bounds[0], bounds[-1])
            codes = self.source[here].astype(np.int64) * width + self.target[here]
            named |= {code: f"{code // width}-{code % width}" for code in set(codes.tolist()) - named.keys()}
            items = [named[code] for code in codes.tolist()]
            ends = (bounds - bounds[0]).tolist()
            yield from (" ".join(items[a:b]) for a, b in zip(ends, ends[1:]))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write Pharaoh lines; ``-`` is standard output, the suffix chooses a compression."""
        with write_text(path) as stream:
            stream.writelines(line + "\n" for line in self.pharaoh())


def _parse(line: str, place: str) -> Iterator[tuple[int, int]]:
    for item in line.split():
        match = _LINK.fullmatch(item)
        if match is None:
            raise InputError(f"{place}: {item!r} is not a link; expected i-j with 0-based positions, such as 0-0 1-2")
        yield int(match[1]), int(match[2])
