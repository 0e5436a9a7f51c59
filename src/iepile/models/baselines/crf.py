"""A linear-chain CRF over BIES tags: entities by the words around them, learned in seconds to minutes.

Lafferty, McCallum and Pereira 2001, by CRFsuite: L-BFGS on the likelihood with L1 and L2 penalties. It is the model
that stood before neural ones, and what they are still to be compared with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iepile.errors import InputError, MissingDependency
from iepile.models.baselines.features import features
from iepile.models.baselines.folder import FolderConfig, digest_of, read_config, write_config
from iepile.models.baselines.tagging import Mention, mentions_of, tags
from iepile.models.baselines.tokens import Place, stretches, tokens
from iepile.records import Entity, Facts, Span

FILE = "model.crfsuite"
SECONDS = 2e-9
"""Of a processor core for a token and iteration, times `tags * (tags + 25)`: within a factor of 1.5 of what was
measured for 17 to 87 tags."""
DIGITS = 4
"""Of a confidence."""


@dataclass(frozen=True)
class CrfSettings:
    """How a CRF is trained."""

    l1: float = 0.1
    """Weight of the L1 penalty: more makes a smaller model."""
    l2: float = 0.1
    """Weight of the L2 penalty."""
    max_iterations: int = 100
    """Passes over the texts."""
    min_count: int = 1
    """Features seen less often are not learned."""
    max_minutes: float = 60.0
    """Training that is estimated to take longer is not begun."""


def train_crf(
    texts: Iterable[tuple[str, list[Mention]]],
    labels: tuple[str, ...],
    settings: CrfSettings,
    folder: Path,
    on_step: Callable[[int, int], None] | None = None,
) -> Counter[str]:
    """Train, and write the model into an empty folder.

    Args:
        texts: each with its entities, labels by number.
        labels: entity types by number.
        on_step: called with iterations done and in all.

    Returns:
        Mentions that could not be learned, by reason.

    Raises:
        InputError: training would take longer than `max_minutes`.
        MissingDependency: python-crfsuite is not installed.
    """
    trainer = _trainer(settings, on_step)
    left_out: Counter[str] = Counter()
    seen = 0
    used: set[str] = set()
    for text, mentions in texts:
        places = tokens(text)
        tagged = tags(mentions, places, left_out)
        at = 0
        for stretch in stretches(text, places):
            if stretch:
                part = tagged[at : at + len(stretch)]
                trainer.append(features([text[s:e] for s, e in stretch]), part)
                used.update(part)
                at += len(stretch)
        seen += len(places)
    _check_time(seen, len(used), settings)
    trainer.train(str(folder / FILE))
    config = FolderConfig("crf", FILE, digest_of(folder / FILE), labels, {
        "l1": settings.l1, "l2": settings.l2, "max_iterations": settings.max_iterations,
        "min_count": settings.min_count,
    })
    write_config(folder, config)
    return left_out


def _trainer(settings: CrfSettings, on_step: Callable[[int, int], None] | None) -> Any:
    pycrfsuite = _library()

    class Told(pycrfsuite.BaseTrainer):  # type: ignore[name-defined]
        done = 0

        def message(self, message: str) -> None:
            if message.startswith("***** Iteration"):
                self.done += 1
                if on_step is not None:
                    on_step(min(self.done, settings.max_iterations), settings.max_iterations)

    trainer = Told()
    trainer.set_params({
        "c1": settings.l1, "c2": settings.l2, "max_iterations": settings.max_iterations,
        "feature.minfreq": settings.min_count, "feature.possible_transitions": True,
    })
    return trainer


def _check_time(seen: int, tag_count: int, settings: CrfSettings) -> None:
    minutes = seen * settings.max_iterations * SECONDS * tag_count * (tag_count + 25) / 60
    if minutes > settings.max_minutes:
        raise InputError(
            f"the CRF would train for about {minutes:,.0f} minutes: {tag_count} tags on {seen:,} tokens, and its time "
            "grows with the square of the tags", field="max_minutes", expected=f"at most {settings.max_minutes:g}",
            fix="train on fewer labels or texts, with fewer max_iterations, or set max_minutes",
        )


def _library() -> Any:
    try:
        import pycrfsuite
    except ImportError as e:
        raise MissingDependency("python-crfsuite", "baselines", "the CRF") from e
    return pycrfsuite


class CrfModel:
    """A trained CRF."""

    kind = "crf"
    tasks = ("NER",)

    def __init__(self, folder: str | Path) -> None:
        """
        Raises:
            InputError: not the folder of a CRF, or a damaged one.
            MissingDependency: python-crfsuite is not installed.
        """
        config = read_config(folder, "crf")
        self.labels = config.labels
        self._tagger = _library().Tagger()
        try:
            self._tagger.open(str(Path(folder) / config.file))
        except ValueError as e:
            raise InputError(f"not a CRFsuite model: {e}", file=Path(folder) / config.file, fix="train again") from None

    def find(self, text: str) -> Facts:
        """All entities of a text, of every type that was trained.

        The confidence of a mention is the smallest probability that the CRF gives to one of its tags, which is an upper
        bound of that of the mention as a whole.
        """
        found: list[Entity] = []
        for stretch in stretches(text, tokens(text)):
            found += self._entities(text, stretch)
        return Facts(tuple(found))

    def _entities(self, text: str, places: Iterable[Place]) -> Iterable[Entity]:
        places = list(places)
        if not places:
            return
        self._tagger.set(features([text[s:e] for s, e in places]))
        tagged = self._tagger.tag()
        for first, last, label in mentions_of(tagged):
            start, end = places[first][0], places[last][1]
            sure = min(self._tagger.marginal(tagged[n], n) for n in range(first, last + 1))
            yield Entity(self.labels[label], Span(text[start:end], start, end), round(min(sure, 1.0), DIGITS))
