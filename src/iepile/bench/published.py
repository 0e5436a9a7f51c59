"""Published figures: what papers report for a model on a data set, each with where it stands.

    figures = read_published(["mine.yaml"])
    figures.of("CrossNER_AI", "zero-shot", "NER", "entity")[0].f1

A file holds the tables of one source, see `PublishedFile`. Only figures that were read in their source are entered.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import msgspec

from iepile.bench.lined import Lines, read_lined
from iepile.bench.suite import SHIPPED, Chosen, Setting, read_suite
from iepile.corpus.catalog import cards
from iepile.corpus.folders import key
from iepile.errors import InputError
from iepile.jsonl import read_bytes
from iepile.tasks.task import get_task


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A paper, or whatever else states figures."""

    title: str
    authors: str = ""
    year: int
    url: str
    edition: str = ""
    """Version that was read."""
    scored: str
    """How it counts, in words."""
    note: str = ""
    texts: dict[str, int] = {}
    """Data set -> test texts, where the source tells them."""


class FigureTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of a source."""

    table: str
    """Its name there."""
    setting: Setting
    """Were the models trained on these data sets?"""
    task: str
    group: str = ""
    """What is counted: `event` or `argument` of EE; the others count one thing."""
    quoted: tuple[str, ...] = ()
    """Models whose figures the source takes from elsewhere."""
    note: str = ""
    models: dict[str, dict[str, float]]
    """Model -> data set -> F1 in percent."""


class PublishedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of published figures."""

    source: Source
    tables: tuple[FigureTable, ...]


class Figure(msgspec.Struct, frozen=True):
    """One figure with where it stands."""

    model: str
    f1: float
    source: str
    """Title."""
    year: int
    url: str
    table: str
    quoted: bool = False
    """Taken from elsewhere by this source."""
    texts: int = 0
    """Test texts of the source; 0: not told."""
    note: str = ""


class Figures:
    """All figures, to be asked by data set."""

    def __init__(self, names: dict[str, str]) -> None:
        """
        Args:
            names: every way to write the name of a data set (`folders.key`) -> its name.
        """
        self.names = names
        self.sources: list[Source] = []
        self._found: dict[tuple[str, str, str, str], list[Figure]] = {}
        self._models: dict[str, None] = {}

    def add(self, file: PublishedFile) -> None:
        """Take up a file; figures of files that came earlier go first, and what is quoted goes last."""
        source = file.source
        self.sources.append(source)
        texts = {self._name(name): n for name, n in source.texts.items()}
        for t in file.tables:
            for model, by_set in t.models.items():
                self._models[model] = None
                for name, f1 in by_set.items():
                    place = (self._name(name), t.setting, get_task(t.task).name, _group(t))
                    self._found.setdefault(place, []).append(Figure(
                        model, float(f1), source.title, source.year, source.url, t.table, model in t.quoted,
                        texts.get(self._name(name), 0), t.note))

    @property
    def models(self) -> list[str]:
        """All models that anything is told of."""
        return list(self._models)

    def of(self, dataset: str, setting: str, task: str, group: str) -> list[Figure]:
        """What is told of a data set; of each model first the figure that counts."""
        return sorted(self._found.get((self._name(dataset), setting, task, group), ()), key=lambda f: f.quoted)

    def _name(self, written: str) -> str:
        return self.names.get(key(written), written)


def read_published(paths: Iterable[str], suites: Iterable[Chosen] = ()) -> Figures:
    """The figures of your own files, then those that are shipped.

    Args:
        suites: entries whose data sets figures may be about, beside those of the catalog.

    Raises:
        InputError: a file that is none, or a figure that cannot be: with the line.
    """
    entries = [*suites, *(c for name in SHIPPED for c in read_suite(name)[1])]
    known = {key(n): card.name for card in (*cards().values(), *(c.card for c in entries))
             for n in (card.name, *card.aliases)}
    known |= {key(c.entry.part_of): c.entry.part_of for c in entries if c.entry.part_of}
    figures = Figures(known)
    for path in paths:
        figures.add(_read(read_bytes(path), path, known))
    shipped = files("iepile.bench").joinpath("published")
    for file in sorted(shipped.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".yaml"):
            figures.add(_read(file.read_bytes(), file.name, known))
    return figures


def _read(raw: bytes, path: str | Path, known: dict[str, str]) -> PublishedFile:
    found, lines = read_lined(raw, path, PublishedFile)
    if not found.source.url.startswith(("http://", "https://")):
        raise InputError(f"{found.source.url!r} is no address", file=path, line=lines.at("source", "url"), field="url",
                         expected="http...: where the figures can be looked up")
    _check_names(found.source.texts, known, path, lines, ("source", "texts"))
    for n, t in enumerate(found.tables):
        try:
            groups = get_task(t.task).groups
        except InputError as e:
            raise e.at(path, lines.at("tables", n, "task")) from None
        if not (t.group in groups or (not t.group and len(groups) == 1)):
            raise InputError(f"group is {t.group!r}", file=path, line=lines.at("tables", n, "group"), field="group",
                             expected=" or ".join(groups))
        if unknown := [m for m in t.quoted if m not in t.models]:
            raise InputError(f"{unknown[0]!r} has no figures in this table", file=path, field="quoted",
                             line=lines.at("tables", n, "quoted"), expected=", ".join(t.models))
        for model, by_set in t.models.items():
            _check_names(by_set, known, path, lines, ("tables", n, "models", model))
            for name, f1 in by_set.items():
                if not 0 <= f1 <= 100:
                    raise InputError(f"{model} on {name}: {f1}", file=path, field="models", expected="F1 in percent",
                                     line=lines.at("tables", n, "models", model, name))
    return found


def _group(t: FigureTable) -> str:
    return t.group or get_task(t.task).groups[0]


def _check_names(
    names: Iterable[str], known: dict[str, str], path: str | Path, lines: Lines, where: tuple[str | int, ...]
) -> None:
    for name in names:
        if key(name) not in known:
            near = difflib.get_close_matches(key(name), known, 1)
            raise InputError(f"no data set {name!r}", file=path, line=lines.at(*where, name), field=str(where[-1]),
                             expected="a data set of `iepile catalog`, or of the suite",
                             fix=f"did you mean {known[near[0]]}?" if near else None)
