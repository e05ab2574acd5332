"""What ``emnlp align`` says of pairs that are blank on a side, or too long to be read in one piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emnlp.cli.arguments import warn

if TYPE_CHECKING:
    from emnlp.corpus import Bitext


@dataclass
class Lengths:
    """How many pairs of a text are blank or too long, and the line of the first one."""

    lines: int = 0
    number: dict[str, int] = field(default_factory=lambda: {"blank": 0, "too_long": 0})
    first: dict[str, str] = field(default_factory=dict)

    def add(self, bitext: Bitext) -> None:
        """Count the pairs of a text, or of the next part of one."""
        for name in self.number:
            mask = getattr(bitext, name)
            if mask.any():
                self.first.setdefault(name, f"{bitext.source.name}:{self.lines + int(mask.argmax()) + 1}")
                self.number[name] += int(mask.sum())
        self.lines += len(bitext)

    def warn(self, max_length: int, training: bool) -> None:
        """Say what happens to them."""
        pieces = f"such pairs {'train nothing, and ' * training}are aligned in pieces of at most {max_length}"
        what = {"blank": "blank on a side", "too_long": f"longer than {max_length} tokens"}
        then = {"blank": "no links there", "too_long": pieces}
        for name, number in self.number.items():
            if number:
                many = "1 pair is" if number == 1 else f"{number:,} pairs are"
                warn(f"{many} {what[name]}, first {self.first[name]}; {then[name]}")
