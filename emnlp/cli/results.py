"""What ``emnlp align`` writes: links, posteriors, scores; a line of each for every line of the input."""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from emnlp.corpus import Bitext
    from emnlp.models import Aligner

UNUSABLE = "-\t-\n"
"""The scores of a pair that is blank on a side or too long."""


@dataclass
class Results:
    """The files that results go to, and how many lines each has."""

    links: IO[str]
    posteriors: IO[str] | None
    scores: IO[str] | None
    lines: int = 0

    @classmethod
    def open(cls, args: argparse.Namespace, stack: ExitStack) -> Results:
        """Open the files; those of a run that fails do not appear."""
        from emnlp.corpus.files import write_text

        paths = (args.output, args.posteriors, args.scores)
        return cls(*(stack.enter_context(write_text(path)) if path else None for path in paths))  # type: ignore[arg-type]

    def write(self, aligner: Aligner, bitext: Bitext) -> None:
        """Align a bitext and write its lines after those already there."""
        if self.scores is not None:
            rows = aligner.scores(bitext).tolist()
            self.scores.writelines(f"{a:.4f}\t{b:.6f}\n" if a == a else UNUSABLE for a, b in rows)
        if self.posteriors is None:
            self.links.writelines(line + "\n" for line in aligner.predict(bitext).pharaoh())
        else:
            self._write_posteriors(aligner, bitext, self.posteriors)
        self.lines += len(bitext)

    def _write_posteriors(self, aligner: Aligner, bitext: Bitext, posteriors: IO[str]) -> None:
        for each in aligner.posteriors(bitext):
            fields = asdict(each) | {"line": self.lines + each.line + 1}
            fields["links"] = [(i, j, round(p, 6)) for i, j, p in each.links]
            fields |= {name: [round(p, 6) for p in fields[name]] for name in ("null_source", "null_target")}
            posteriors.write(json.dumps(fields) + "\n")
            self.links.write(" ".join(f"{i}-{j}" for i, j, _ in each.links) + "\n")
