"""From scores to confidences that mean what they say: of the facts with confidence 0.8, four in five are right.

Platt's method: of each kind of fact, the log-odds of being right are a line in the score. Two numbers a kind, fitted on
dev examples; they change no answer, for confidence rises with the score as before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp
from pathlib import Path

from iepile.errors import InputError
from iepile.models.compact.example import PAIR_KINDS, SPAN_KINDS


@dataclass(frozen=True)
class Line:
    """Log-odds of being right = slope * score + offset."""

    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Calibration:
    """Lines by kind of fact; a kind without one takes its score for log-odds."""

    lines: Mapping[str, Line] = field(default_factory=dict)

    def confidence(self, kind: str, score: float) -> float:
        """Confidence of a fact, 0 to 1."""
        line = self.lines.get(kind)
        return probability(score if line is None else line.slope * score + line.offset)

    def save(self, file: Path) -> None:
        """Write as JSON."""
        rows = {kind: {"slope": x.slope, "offset": x.offset} for kind, x in sorted(self.lines.items())}
        file.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, file: Path) -> Calibration:
        """Read what `save` wrote; without the file (models of earlier versions) scores are taken as they are.

        Raises:
            InputError: the file is not such a one.
        """
        if not file.exists():
            return cls()
        try:
            rows = json.loads(file.read_text("utf-8"))
            lines = {kind: Line(float(x["slope"]), float(x["offset"])) for kind, x in rows.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            lines, problem = {}, f"not a readable calibration: {error!r}"
        else:
            problem = "" if set(lines) <= {*SPAN_KINDS, *PAIR_KINDS} else f"kinds {sorted(lines)}"
            problem = problem or ("" if all(x.slope > 0 for x in lines.values()) else "a slope that is not positive")
        if problem:
            raise InputError(
                problem, file=file, expected='{"entity": {"slope": 0.9, "offset": -0.1}, ...}', fix="train again"
            )
        return cls(lines)


class Scores(Calibration):
    """Not confidences but the scores themselves, to fit lines to."""

    def confidence(self, kind: str, score: float) -> float:
        """The score, to four digits."""
        return round(score, 4)


def probability(score: float) -> float:
    """Log-odds to probability, rounded so that the batch a text came in does not show."""
    return round(1 / (1 + exp(-max(-30.0, min(30.0, score)))), 4)
