"""What ``emnlp align`` writes: links, posteriors, scores; a line of each for every line of the input."""

from __future__ import annotations

import argparse
import json
from array import array
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from emnlp.corpus import Bitext, Links
    from emnlp.models import Aligner

UNUSABLE = "-\t-\n"
"""The scores of a pair that is blank on a side."""


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

    def write(self, aligner: Aligner, bitext: Bitext) -> Links:
        """Align a bitext and write its lines after those already there; return its links."""
        if self.scores is not None:
            rows = aligner.scores(bitext).tolist()
            self.scores.writelines(f"{a:.4f}\t{b:.6f}\n" if a == a else UNUSABLE for a, b in rows)
        links = aligner.predict(bitext) if self.posteriors is None else self._write_posteriors(aligner, bitext)
        self.links.writelines(line + "\n" for line in links.pharaoh())
        self.lines += len(bitext)
        return links

    def _write_posteriors(self, aligner: Aligner, bitext: Bitext) -> Links:
        import numpy as np

        from emnlp.corpus import Links

        assert self.posteriors is not None
        points, numbers = array("i"), array("q", [0])
        for each in aligner.posteriors(bitext):
            fields = asdict(each) | {"line": self.lines + each.line + 1}
            fields["links"] = [(i, j, round(p, 6)) for i, j, p in each.links]
            fields |= {name: [round(p, 6) for p in fields[name]] for name in ("null_source", "null_target")}
            self.posteriors.write(json.dumps(fields) + "\n")
            points.extend(chain.from_iterable((i, j) for i, j, _ in each.links))
            numbers.append(len(points) // 2)
        both = np.array(points, np.int32).reshape(-1, 2)
        return Links(np.array(numbers, np.int64), both[:, 0].copy(), both[:, 1].copy())
