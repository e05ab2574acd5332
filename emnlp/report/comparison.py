"""What came of a comparison: the runs of each variant, as a table and as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from statistics import fmean, stdev
from typing import Any

from emnlp import __version__
from emnlp.errors import InputError

Scores = dict[str, float]

NOT_SHARES = ("VI",)
"""Scores that are no shares: they are shown as they are, all others in %."""

_NOTES = {
    "objective": "objective: what is maximised, in nats a token: log-likelihood and prior (Dirichlet: a bound of it), "
    "a regulariser aside;\n  objectives under different priors are not comparable",
    "log-lik.": "log-lik.: of the training text, in nats a token, under the normalised probabilities",
    "perplexity": "perplexity: of the held-out text, a known word; words unseen in training are missing data",
}


@dataclass(frozen=True)
class Run:
    """What one variant did with one seed; of a run that failed, `error` says why.

    `objective` and `loglik` are nats a token. A point of `curve` is the CPU seconds of training so far, the objective,
    and a score or None.
    """

    variant: str
    seed: int
    scores: Scores = field(default_factory=dict)
    objective: float | None = None
    loglik: float | None = None
    perplexity: float | None = None
    cpu: float = 0.0
    wall: float = 0.0
    curve: tuple[tuple[float, float, float | None], ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Comparison:
    r"""The runs of a comparison.

    Parameters
    ----------
    runs : tuple of Run
    about : dict of str to str or int
        What was compared, such as the corpus and its size.

    Examples
    --------
    >>> runs = [Run("EM", 0, {"M-1": 0.5}, -7.0, -7.0, cpu=1), Run("EM", 1, {"M-1": 0.7}, -6.0, -6.0, cpu=3)]
    >>> print(*Comparison((*runs, Run("VB", 0, error="no luck"))).table()[:4], sep="\n")
                  M-1        objective         log-lik.      CPU s
    EM  60.00 (14.14)  -6.5000 (.7071)  -6.5000 (.7071)  2.0 (1.4)
    VB              -                -                -          -
    VB: 1 of 1 runs failed: no luck
    """

    runs: tuple[Run, ...]
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def variants(self) -> list[str]:
        """The names of the variants, in order."""
        return list(dict.fromkeys(run.variant for run in self.runs))

    def of(self, variant: str) -> list[Run]:
        """Return the runs of a variant that did not fail."""
        return [run for run in self.runs if run.variant == variant and not run.error]

    def table(self) -> list[str]:
        """Return the lines of a table, a variant a line: mean, and standard deviation over seeds; notes follow."""
        names = list(dict.fromkeys(name for run in self.runs for name in run.scores))
        columns: dict[str, tuple[int, Callable[[Run], float | None]]] = {
            name: (2, lambda run, name=name: _shown(name, run.scores.get(name)))  # type: ignore[misc]
            for name in names
        }
        columns |= {"objective": (4, lambda run: run.objective), "log-lik.": (4, lambda run: run.loglik)}
        if any(run.perplexity is not None for run in self.runs):
            columns["perplexity"] = (1, lambda run: run.perplexity)
        columns["CPU s"] = (1, lambda run: run.cpu)
        rows = [["", *columns]]
        for variant in self.variants:
            runs = self.of(variant)
            rows.append([variant, *(_cell(map(value, runs), digits) for digits, value in columns.values())])
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = [
            "  ".join(cell.rjust(w) if k else cell.ljust(w) for k, (cell, w) in enumerate(zip(row, widths)))
            for row in rows
        ]
        about = [" | ".join(f"{name} {value}" for name, value in self.about.items()), ""] if self.about else []
        return [*about, *lines, *self._failures(), "", *self._notes(list(columns))]

    def _failures(self) -> list[str]:
        lines = []
        for variant in self.variants:
            errors = [run.error for run in self.runs if run.variant == variant]
            if any(errors):
                failed = f"{sum(map(bool, errors))} of {len(errors)} runs failed"
                lines.append(f"{variant}: {failed}: {next(filter(None, errors))}")
        return lines

    def _notes(self, columns: list[str]) -> list[str]:
        scores = [name for name in columns if name not in (*_NOTES, "CPU s")]
        by_unit = {"%": [name for name in scores if name not in NOT_SHARES], "bits": list(NOT_SHARES)}
        units = [f"{', '.join(names)} in {unit}" for unit, names in by_unit.items() if set(names) & set(scores)]
        spread = ["mean (standard deviation) over seeds"] if len({run.seed for run in self.runs}) > 1 else []
        first = "; ".join([*spread, *units])
        return [*[first] * bool(first), *(note for name, note in _NOTES.items() if name in columns)]

    def to_json(self) -> str:
        """Return all runs as JSON, scores from 0 to 1."""
        whole = {"emnlp": __version__, "about": self.about, "runs": [asdict(run) for run in self.runs]}
        return json.dumps(whole, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str, name: str = "<json>") -> Comparison:
        """Return the comparison of which this is the JSON; `name` is what messages call it.

        Raises
        ------
        InputError
            If it is not that of a comparison.
        """
        try:
            whole = json.loads(text)
            runs = [Run(**run | {"curve": tuple((a, b, c) for a, b, c in run["curve"])}) for run in whole["runs"]]
            return cls(tuple(runs), dict(whole["about"]))
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{name}: not a comparison that `emnlp compare --json` wrote ({error!r})") from None


def _shown(name: str, value: float | None) -> float | None:
    return value if value is None or name in NOT_SHARES else 100 * value


def _cell(values: Iterable[float | None], digits: int) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return "-"
    if fmean(found) >= 1e6:  # such as a perplexity of what tables give probability 0
        return f"{fmean(found):.1e}"
    spread = f" ({stdev(found):.{digits}f})".replace("(0.", "(.") if len(found) > 1 else ""
    return f"{fmean(found):.{digits}f}{spread}"
