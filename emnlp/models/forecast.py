"""What training aligners will cost: memory by what is known of the text and the models, time by a trial on a sample."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emnlp.corpus.bitext import Bitext
from emnlp.corpus.text import Text
from emnlp.engines import lanes
from emnlp.factors import Bucketed
from emnlp.learners import EM
from emnlp.models.agreement import Agreement
from emnlp.models.aligner import Aligner
from emnlp.models.batches import batch_cells
from emnlp.models.hmm_aligner import HMMAligner

PROGRAM = 180 << 20
"""Bytes of the interpreter, the libraries and the compiled kernels."""

PAIR = 120
"""Bytes of a sentence pair that are always in memory: where its line, tokens, cells and places begin."""

JUMPS, ROW = 64 << 20, 56
"""Bytes that an HMM takes beside its lexicon, buffers that are not given back; and those of a row of its jumps."""

SAMPLE = 1 << 17
"""Cells of the sample: a batch."""


@dataclass(frozen=True)
class Forecast:
    """What training takes, in bytes; an estimate.

    Parameters
    ----------
    slots, cells : int
        Distinct word pairs, and pairs of tokens.
    lexicon : int
        Parameters, potentials and counts at the peak, and all else that does not lie on disk.
    corpus : int
        What grows with the text, and can lie on disk.
    seconds : float or None
        Of one thread; None for a text so small that it does not matter.
    """

    slots: int
    cells: int
    lexicon: int
    corpus: int
    seconds: float | None = None

    @property
    def memory(self) -> int:
        """What all of it takes in memory."""
        return self.lexicon + self.corpus


def forecast(chain: Sequence[Aligner], bitext: Bitext, timed: bool = True) -> Forecast:
    """Return what training a chain of aligners on a bitext takes; indexes it.

    Examples
    --------
    >>> pairs = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch")]
    >>> bitext = Bitext.from_pairs([(s.split(), t.split()) for s, t in pairs])
    >>> forecast([Aligner()], bitext).slots, forecast([Aligner()], bitext).cells
    (10, 12)
    """
    pairs = bitext.pairs
    slots, cells, tokens = len(pairs.conditions), int(pairs.cells[-1]), len(pairs.source.ids) + len(pairs.target.ids)
    most = max(slots * _slot_bytes(aligner, slots, cells) + _jump_bytes(aligner, bitext) for aligner in chain)
    hmm = any(isinstance(part, HMMAligner) for aligner in chain for part in aligner.directions.values())
    duals = any(isinstance(aligner, Agreement) and aligner.rounds > 0 for aligner in chain)
    seconds = _seconds(chain, bitext) if timed and cells > 64 * SAMPLE else None
    corpus = cells * (8 if duals else 4) + tokens * (16 if hmm else 8)
    return Forecast(slots, cells, PROGRAM + PAIR * len(bitext) + most, corpus, seconds)


def _slot_bytes(aligner: Aligner, slots: int, cells: int) -> int:
    """Return how many bytes a slot takes in memory while an aligner is trained, whose start is let go of in time."""
    ways = len(aligner.directions)
    lists, params = 8 + 4 * ways, 8 * ways
    n_lanes = len(lanes(range(cells // batch_cells(cells) + 1), 8 * ways * slots))
    backoff = any(getattr(part.lexical, "backoff", None) is not None for part in aligner.directions.values())
    counts = n_lanes + 1 if isinstance(aligner, Agreement) else ways * n_lanes  # one lexicon counts, until the end
    e_step, m_step = 8 * (ways + counts), 8 * ways * 2 + 8 * backoff
    return lists + params + 6 * ways * backoff + max(e_step, m_step)  # there are fewer pairs of classes than of words


def _jump_bytes(aligner: Aligner, bitext: Bitext) -> int:
    """Return how many bytes the jumps of HMMs take."""
    sides = {"forward": bitext.pairs.source, "reverse": bitext.pairs.target}
    jumps = {name: getattr(model, "jump", None) for name, model in aligner.directions.items()}
    rows = [_rows(sides[name], jump.n_words) for name, jump in jumps.items() if isinstance(jump, Bucketed)]
    return ROW * sum(rows) + (JUMPS if any(jumps.values()) else 0)


def _rows(text: Text, n_words: int) -> int:
    """Return about how many kinds of words, places and lengths of sentences meet, as if words stood anywhere."""
    lengths, sentences = np.unique(text.lengths, return_counts=True)
    shares = np.sort(text.counts())[::-1] / len(text.ids)
    shares = np.append(shares[:n_words], max(0.0, 1 - shares[:n_words].sum()))
    kinds = (1 - (1 - shares) ** sentences[:, None]).sum(1)  # that may be expected at a place of sentences of a length
    return len(lengths) + int(lengths @ kinds)


def _seconds(chain: Sequence[Aligner], bitext: Bitext) -> float:
    """Return the time that E-steps take by one thread, from those of a sample; of large lexicons it is more."""
    cells = int(bitext.pairs.cells[-1])
    sample = bitext[:: max(1, cells // SAMPLE)].moved(None)
    ratio, total, start = cells / max(1, int(sample.pairs.cells[-1])), 0.0, None
    for aligner in chain:
        trial = aligner.twin()
        trial.max_iter, trial.learner, trial.verbose, trial.n_jobs = 1, EM(score_last=False), 0, 1
        spent = []
        for _ in range(2):  # the first time, kernels may be compiled
            begin = time.perf_counter()
            fitted = trial.fit(sample, start=start)
            spent.append(time.perf_counter() - begin)
        start = fitted.twin()
        total += ratio * min(spent) * (aligner.max_iter + getattr(aligner.learner, "score_last", True) / 2)
    return total
