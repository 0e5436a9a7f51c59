"""Run the suites of the guide on whatever data is there, with any engine, and set the scores beside published ones.

    from iepile.bench.bench import BenchConfig, bench
    report = bench(BenchConfig(root="raw", model="runs/resume/model", suite="zero-shot", limit=200))

Each data set has a folder with its rows, predictions and scores. What is finished there is kept as long as data,
settings and model are the same; a killed run goes on where it stopped. A data set that fails does not stop the others.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from iepile.bench.published import Figure, Figures, read_published
from iepile.bench.questions import NothingToScore, Sample
from iepile.bench.report import VERSION, BenchReport, Failed, Missing, Result, comparisons, figure_of, means
from iepile.bench.road import NoEngine, Road, Scored
from iepile.bench.suite import Chosen, read_suites
from iepile.corpus.catalog import Found, cards
from iepile.corpus.folders import Folders, key
from iepile.errors import IepileError, InputError
from iepile.extraction.job import ModelFlags
from iepile.extraction.plan import AskingConfig
from iepile.extraction.run import Progress
from iepile.jsonl import atomic_writer, check_folder

Event = Callable[[Chosen, Literal["start", "done", "kept", "missing", "failed"], str], Progress | None]
"""Called with a data set, what happens and a few words on it; on `start` may return a progress callback."""


@dataclass(kw_only=True)
class BenchConfig(ModelFlags, AskingConfig):
    """Score a model on the data sets of a suite that are there, beside published figures."""

    root: str
    """Folder of raw data sets, as `iepile catalog --root` finds them."""
    model: str = ""
    """Model folder, hub name or server address."""
    engine: str = "auto"
    """What runs the model; `auto` looks at the model."""
    engine_options: dict[str, Any] = field(default_factory=dict)
    """Options of the engine, by name."""
    suite: str = "all"
    """`supervised`, `zero-shot`, `all`, or a YAML file with a suite of your own."""
    dataset: list[str] = field(default_factory=list)
    """Only this data set of the suite; may be given several times."""
    limit: int = 0
    """Most texts of a data set, drawn at random; 0: all. What is scored is then a sample, and the tables say so."""
    sample_seed: int = 42
    """Decides which texts are drawn."""
    beside: list[str] = field(default_factory=list)
    """Show the figures of this model only, with the difference; may be given several times. Default: of all."""
    published: list[str] = field(default_factory=list)
    """File of published figures of your own, which go before the shipped ones; may be given several times."""
    folder: str = "runs/bench"
    """Where rows, predictions and scores go, a folder a data set; use one folder a model."""
    output: str = ""
    """Write the result here too: `.json`, or tables as `.csv`, `.md` or `.tex`."""

    def check(self) -> None:
        """
        Raises:
            InputError: a value that means nothing.
        """
        super().check()
        if self.limit < 0:
            raise InputError(f"is {self.limit}", field="limit", expected="0 or more")


def bench(config: BenchConfig, on_event: Event = lambda chosen, what, words: None) -> BenchReport:
    """Run a benchmark; see `BenchConfig`.

    Raises:
        InputError: a suite, file of figures, setting or model that is none, or no data set that is there.
    """
    config.check()
    chosen = _chosen(config)
    figures = read_published(config.published, chosen)
    _check_beside(config, figures)
    folders = Folders(config.root)
    missing: list[Missing] = []
    present: list[tuple[Chosen, Found]] = []
    for c in chosen:
        if (found := c.card.find(folders)) is None:
            missing.append(_missing(c, c.card.why_missing(folders).partition("; get it from")[0]))
        else:
            present.append((c, found))
    if not present:
        raise InputError(f"none of the {len(chosen)} data sets is there", file=config.root, field="root",
                         expected=f"data sets as `iepile catalog` knows them; {missing[0].dataset}: {missing[0].why}",
                         fix="fetch some; `iepile catalog NAME` tells where they are")
    results: list[Result] = []
    failed: list[Failed] = []
    settings = ("", "")
    model, engine = config.chosen(config.model, config.engine)
    with Road(config, model, engine, check_folder(config.folder)) as road:
        for c, found in present:
            progress = on_event(c, "start", "")
            try:
                scored = road.run(c, found, Sample(config.limit, config.sample_seed), progress)
            except NoEngine as e:
                raise e.why from None
            except NothingToScore as e:
                missing.append(_missing(c, f"{e.file}: {e.problem}"))
                on_event(c, "missing", e.problem)
                continue
            except (IepileError, OSError) as e:
                failed.append(Failed(c.suite, c.card.name, c.entry.task, str(e)))
                on_event(c, "failed", str(e).partition("\n")[0])
                continue
            results += _results(c, scored, figures)
            settings = (scored.setting, scored.reference or settings[1])
            on_event(c, "kept" if scored.kept else "done", _words(scored))
    every = means(results, _sizes(chosen))
    for mean in every:
        if mean.name and len(mean.datasets) == mean.of:
            setting = next(c.setting for c in chosen if c.suite == mean.suite)
            mean.published = figures.of(mean.name, setting, mean.task, mean.group)
    report = BenchReport(VERSION, *settings, model, engine, config.limit, config.sample_seed, results, every,
                         comparisons(results, every), missing, failed, figures.sources)
    for path in (*(Path(config.folder) / f"bench{ending}" for ending in (".json", ".md")), Path(config.output)):
        if path.name:
            write_report(report, path, config.beside)
    return report


def write_report(report: BenchReport, path: Path, beside: list[str]) -> None:
    """Write a report as JSON, or its tables as CSV, Markdown or LaTeX, by the ending.

    Raises:
        InputError: another ending.
    """
    if path.suffix.lower() == ".json":
        data = report.to_json()
    else:
        from iepile.bench.tables import tables
        from iepile.evaluation.table_files import writer_for

        data = writer_for(path)(tables(report, beside)).encode()
    with atomic_writer(path) as f:
        f.write(data)


def _missing(c: Chosen, why: str) -> Missing:
    card = c.card
    return Missing(c.suite, card.name, c.entry.task, why.removeprefix(f"{card.name}: "), card.home,
                   card.released and card.role != "extra" and cards().get(card.name) is card)


def _chosen(config: BenchConfig) -> list[Chosen]:
    entries = read_suites(config.suite)
    if not config.dataset:
        return entries
    names = {key(n): c.card.name for c in entries for n in (c.card.name, *c.card.aliases)}
    names |= {key(c.entry.part_of): c.entry.part_of for c in entries if c.entry.part_of}
    wanted: set[str] = set()
    for name in config.dataset:
        if key(name) not in names:
            near = difflib.get_close_matches(key(name), names, 1)
            raise InputError(f"the suite has no data set {name!r}", field="dataset",
                             expected=", ".join(dict.fromkeys(c.card.name for c in entries)),
                             fix=f"did you mean {names[near[0]]}?" if near else None)
        wanted.add(names[key(name)])
    return [c for c in entries if c.card.name in wanted or c.entry.part_of in wanted]


def _check_beside(config: BenchConfig, figures: Figures) -> None:
    for model in config.beside:
        if model not in figures.models:
            near = difflib.get_close_matches(model, figures.models, 1)
            raise InputError(f"no published figures of {model!r}", field="beside", expected=", ".join(figures.models),
                             fix=f"did you mean {near[0]}?" if near else
                             "give a file with them: --published FILE.yaml")
    if config.output and Path(config.output).suffix.lower() != ".json":
        from iepile.evaluation.table_files import writer_for

        writer_for(config.output)  # an ending that nobody writes is told before the work


def _sizes(chosen: list[Chosen]) -> dict[tuple[str, str], int]:
    """(suite, name) -> folds, and (suite, `TASK language`) -> data sets, those of several folds counted once."""
    folds: dict[tuple[str, str], int] = {}
    sets: dict[tuple[str, str], set[str]] = {}
    for c in chosen:
        if c.entry.part_of:
            place = (c.suite, c.entry.part_of)
            folds[place] = folds.get(place, 0) + 1
        kind = (c.suite, f"{c.entry.task} {c.card.language}")
        sets.setdefault(kind, set()).add(c.entry.part_of or c.card.name)
    return folds | {kind: len(names) for kind, names in sets.items()}


def _results(c: Chosen, scored: Scored, figures: Figures) -> list[Result]:
    out = []
    made = scored.questions
    for group, counted in scored.groups.items():
        published = [] if c.entry.part_of else figures.of(c.card.name, c.setting, c.entry.task, group)
        out.append(Result(
            suite=c.suite, dataset=c.card.name, task=c.entry.task, group=group, language=c.card.language,
            split=made.split, texts=made.texts, of_texts=made.of_texts, rows=made.rows, invalid=scored.invalid,
            score=counted.score, f1_low=counted.low, f1_high=counted.high, reference=counted.reference,
            published=published, notes=_notes(c, scored, published), part_of=c.entry.part_of,
            seconds=scored.seconds))
    return out


def _notes(c: Chosen, scored: Scored, published: list[Figure]) -> list[str]:
    """How this run differs from what the published figures were measured on."""
    made, notes = scored.questions, []
    if made.texts < made.of_texts:
        notes.append(f"a sample: {made.texts:,} of {made.of_texts:,} texts")
    if made.split == "all":
        notes.append("comes without splits: the test part is the one that the card cuts off")
    elif made.split != c.entry.splits[0]:
        notes.append(f"no annotated {c.entry.splits[0]} split: {made.split} is scored")
    if made.unannotated:
        notes.append(f"{made.unannotated:,} texts without annotation are left out")
    if made.unasked:
        notes.append(f"{made.unasked:,} texts have nothing to ask")
    if made.repairs:
        told = ", ".join(f"{what.replace('_', ' ')} {n:,}" for what, n in made.repairs.items())
        notes.append(f"mended or left out while reading: {told}")
    if c.entry.texts and c.entry.texts != made.of_texts:
        notes.append(f"{made.of_texts:,} texts here, {c.entry.texts:,} in the reference's copy")
    for f in published:
        if f.texts and f.texts != made.of_texts and figure_of(published, f.model) == f:
            told = f"{made.of_texts:,} texts here, {f.texts:,} in {f.source.partition(':')[0]}"
            if told not in notes:
                notes.append(told)
    if c.entry.note:
        notes.append(c.entry.note)
    return notes + scored.notes


def _words(scored: Scored) -> str:
    figures = ", ".join(f"{group} {counted.score.f1:.2f}" for group, counted in scored.groups.items())
    return f"{scored.questions.texts:,} texts, F1 {figures}"

