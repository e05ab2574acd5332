"""What aligners say of a sentence pair besides its links: probabilities; those of pieces, put together again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from emnlp.blocks import Array
from emnlp.corpus.bitext import Bitext
from emnlp.corpus.links import Links
from emnlp.corpus.pieces import Pieces
from emnlp.models.batches import TwoWay

Matrix: TypeAlias = Array | csr_array
"""The posterior of a pair: of one that is aligned in pieces, it is sparse."""


@dataclass(frozen=True)
class Posterior:
    """What an `Aligner` says of one sentence pair.

    `links` are ``(i, j, p)``; ``null_source[i]`` and ``null_target[j]`` are the probabilities that a word is a
    translation of nothing, by the reverse and the forward model; empty if that direction is not modelled.
    """

    line: int
    links: list[tuple[int, int, float]]
    null_source: list[float]
    null_target: list[float]


def link_posteriors(batch: TwoWay, links: Links, cells: Array, nulls: Mapping[str, Array]) -> Iterator[Posterior]:
    """Yield what to say of each pair of a batch: its links, with the values of their cells, source-major; its NULLs."""
    source, target = 0, 0
    for line, chosen, matrix in zip(batch.lines.tolist(), links, batch.by_pair(cells)):
        n_source, n_target = matrix.shape
        scored = [(i, j, float(matrix[i, j])) for i, j in chosen]
        null_source = nulls["reverse"][source : source + n_source].tolist() if "reverse" in nulls else []
        null_target = nulls["forward"][target : target + n_target].tolist() if "forward" in nulls else []
        yield Posterior(line, scored, null_source, null_target)
        source, target = source + n_source, target + n_target


def every_line(n: int, found: Iterable[Posterior]) -> Iterator[Posterior]:
    """Yield one `Posterior` a line, in order: an empty one where none was found."""
    line = 0
    for posterior in found:
        yield from (Posterior(blank, [], [], []) for blank in range(line, posterior.line))
        yield posterior
        line = posterior.line + 1
    yield from (Posterior(blank, [], [], []) for blank in range(line, n))


def joined(
    pairs: Iterable[Posterior], pieces: Pieces, found: Iterator[Posterior], directions: Collection[str]
) -> Iterator[Posterior]:
    """Yield the posteriors of all pairs, those of a pair that was cut from its pieces'.

    In a piece with an empty side, the words of the other one are translations of nothing.
    """
    numbers = np.bincount(pieces.lines, minlength=int(pieces.lines.max(initial=-1)) + 1).tolist()
    places, sizes = iter(pieces), zip(pieces.bitext.source.lengths.tolist(), pieces.bitext.target.lengths.tolist())
    for pair in pairs:
        whole = Posterior(pair.line, [], [], [])
        number = numbers[pair.line] if pair.line < len(numbers) else 0
        for part, (_, i, j), (n_source, n_target) in islice(zip(found, places, sizes), number):
            whole.links.extend((i + s, j + t, p) for s, t, p in part.links)
            blank = not n_source or not n_target
            whole.null_source.extend([1.0] * n_source * ("reverse" in directions) if blank else part.null_source)
            whole.null_target.extend([1.0] * n_target * ("forward" in directions) if blank else part.null_target)
        yield whole if number else pair


def nothing(n_source: int, n_target: int, null_rows: int) -> Array:
    """Return the posterior of a pair without links, a read-only view: it may stand for a very long pair."""
    column = np.zeros((n_source + null_rows, 1))
    column[:null_rows] = 1
    return np.broadcast_to(column, (n_source + null_rows, n_target))


def every_matrix(
    bitext: Bitext, batches: Sequence[Any], found: Iterable[Iterable[Array]], null_rows: int
) -> list[Array]:
    """Put the posteriors of batches where their lines stand; the other lines have `nothing`."""
    by_line: dict[int, Array] = {}
    for batch, posteriors in zip(batches, found):
        by_line |= dict(zip(batch.lines.tolist(), posteriors))
    sizes = zip(bitext.source.lengths.tolist(), bitext.target.lengths.tolist())
    return [by_line[k] if k in by_line else nothing(*size, null_rows) for k, size in enumerate(sizes)]


def with_blocks(matrices: list[Array], pieces: Pieces, found: Sequence[Array], null_rows: int) -> list[Matrix]:
    """Put `block_diagonal` matrices of what was found in pieces where the pairs that were cut stand."""
    lines, firsts = np.unique(pieces.lines, return_index=True)
    whole: list[Matrix] = list(matrices)
    for line, first, end in zip(lines.tolist(), firsts.tolist(), [*firsts[1:].tolist(), len(pieces)]):
        whole[line] = block_diagonal(found[first:end], null_rows)
    return whole


def block_diagonal(blocks: Sequence[Array], n_top: int = 0) -> csr_array:
    """Return blocks along the diagonal, sparse; the first `n_top` rows of each stand side by side at the top.

    Examples
    --------
    >>> block_diagonal([np.array([[1, 2], [3, 4]]), np.array([[5], [6]])], 1).toarray()
    array([[1, 2, 5],
           [3, 4, 0],
           [0, 0, 6]])
    """
    widths = np.array([block.shape[1] for block in blocks])
    heights = np.array([block.shape[0] - n_top for block in blocks])
    ends = np.cumsum(widths)
    top = [np.hstack([block[row] for block in blocks]) for row in range(n_top)]
    data = np.concatenate([*top, *(block[n_top:].ravel() for block in blocks)])
    own = [np.tile(np.arange(end - width, end), height) for end, width, height in zip(ends, widths, heights)]
    columns = np.concatenate([np.tile(np.arange(ends[-1]), n_top), *own])
    sizes = np.concatenate([np.full(n_top, ends[-1]), np.repeat(widths, heights)])
    rows = np.concatenate([[0], np.cumsum(sizes)])
    return csr_array((data, columns, rows), shape=(n_top + int(heights.sum()), int(ends[-1])))
