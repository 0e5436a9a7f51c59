"""From raw data sets to an instruction corpus, in one run that can be stopped and goes on where it was.

    iepile build corpus.yaml --root DIR

Whatever the plan names and DIR holds is read, cleaned, checked against the evaluation splits, mined for hard
negatives and converted; what is missing is listed with the place to get it. In the output folder:

    train.jsonl dev.jsonl              instruction rows of all data sets
    test/NAME.TASK.jsonl               questions with labels, one file a data set and task
    documents/NAME/                    train, dev, test in the unified format, cleaned, and schema.json
    hard_negatives.json                task -> data set -> label -> labels easily confused with it
    leaks.json statistics.html report.md ...

A step is not run again while its settings, what it read and what it wrote stay the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from iepile.corpus.build_clean import check_leaks, check_settings, clean_sets
from iepile.corpus.build_convert import converter
from iepile.corpus.build_read import BuiltSet, keep_apart, reader
from iepile.corpus.catalog import Found
from iepile.corpus.convert import ConvertConfig
from iepile.corpus.folders import Folders
from iepile.corpus.negatives import negatives
from iepile.corpus.parallel import ordered_map
from iepile.corpus.plan import chosen_cards, config_of, read_plan
from iepile.corpus.report import write_report
from iepile.corpus.statistics import stats
from iepile.errors import InputError
from iepile.jsonl import atomic_writer, check_folder
from iepile.stamps import Stamps
from iepile.tasks.task import get_task

WORTH_SHARING = 16 << 20
"""Bytes of documents from which converting one file is shared between workers."""

Event = Callable[[str, str], None]
"""Called with the name of a step and `start`, `done` or `kept`."""


@dataclass(kw_only=True)
class BuildConfig:
    """Make an instruction corpus of the data sets that lie under a folder."""

    corpus: str
    """The plan, a YAML file; see `iepile.corpus.plan`."""
    root: str
    """Folder with the raw data sets, one folder each."""
    output: str | None = None
    """Folder for everything; default: the plan's own `output`."""
    workers: int = 1
    """Processes for reading and conversion; the output is the same for any number."""
    ray: str | None = None
    """Convert on Ray: `local`, `auto` (the cluster this machine belongs to) or an address."""


class BuildSummary(msgspec.Struct):
    """What a build made."""

    output: str
    rows: dict[str, int]
    """File -> instruction rows."""
    sets: list[BuiltSet]
    missing: dict[str, str]
    """Data set that was not found -> where to get it."""


def build(config: BuildConfig, on_event: Event = lambda step, what: None) -> BuildSummary:
    """Build a corpus; see `BuildConfig`.

    Raises:
        InputError: a plan, card or data set that cannot be read, or none that is there.
    """
    return _Build(config, on_event).run()


class _Build:
    def __init__(self, config: BuildConfig, on_event: Event) -> None:
        self.config, self.on_event = config, on_event
        self.plan = plan = read_plan(config.corpus)
        output = config.output or plan.output
        if not output:
            raise InputError("no output folder", file=config.corpus, field="output", fix="give --output FOLDER")
        try:
            check_settings(plan.clean, plan.leaks)
        except InputError as e:
            raise e.at(config.corpus) from None
        folders = Folders(config.root)
        self.found: list[Found] = []
        self.missing: dict[str, str] = {}
        chosen = chosen_cards(plan, config.corpus)
        if not chosen:
            raise InputError("no data set is left", file=config.corpus, field="datasets",
                             fix="see datasets, exclude and languages")
        for card in chosen:
            if (found := card.find(folders)) is not None:
                self.found.append(msgspec.structs.replace(found, card=card))
            else:
                self.missing[card.name] = card.why_missing(folders)
        if not self.found:
            raise InputError("none of the data sets is there", file=config.root, field="root",
                             expected="folders named as " + ", ".join(list(self.missing)[:8]),
                             fix="`iepile catalog NAME` says which files are looked for, and where to get them")
        keep_apart(Path(output), Path(config.root), [found.folder for found in self.found])
        self.out = check_folder(output)
        self.work = self.out / "work"
        self.stamps = Stamps(self.out / ".stages")

    def run(self) -> BuildSummary:
        """All steps, in order."""
        self.built = sets = self._read()
        self._clean(sets)
        if self.plan.negatives is not False:
            self._mine(sets)
        rows = self._join(self._convert())
        if self.plan.statistics is not False:
            self._count()
        summary = BuildSummary(str(self.out), rows, sets, self.missing)
        write_report(self.out, summary)
        return summary

    def _step(
        self, name: str, settings: object, reads: Iterable[Path], writes: Iterable[Path], work: Callable[[], object]
    ) -> Any:
        def told() -> object:
            self.on_event(name, "start")
            return work()

        done = self.stamps.run(name, settings, reads, writes, told)
        self.on_event(name, "kept" if done.kept else "done")
        return done.result

    def _read(self) -> list[BuiltSet]:
        """The documents and the schema of every data set, several data sets at a time."""
        sets = []
        make = partial(reader, self.plan, self.work / "read", self.stamps)
        for built, kept in ordered_map(make, self.found, min(self.config.workers, len(self.found))):
            self.on_event(f"read {built.name}", "kept" if kept else "done")
            sets.append(built)
        return sets

    def _clean(self, sets: list[BuiltSet]) -> None:
        """Cleaned and leak-checked documents, in `documents/`."""
        source, target, plan = self.work / "read", self.work / "clean", self.plan
        if plan.clean is not False:
            settings = plan.clean
            done = self._step("clean", [settings, sets], [source], [target],
                              lambda: clean_sets(sets, settings, source, target))
            self._note_dropped(sets, done)
            source = target
        report, documents = self.out / "leaks.json", self.out / "documents"
        checked = None if plan.leaks is False else plan.leaks

        def check() -> object:
            result = check_leaks(sets, checked, source, documents, report)
            for built in sets:
                schema = self.work / "read" / built.name / "schema.json"
                shutil.copyfile(schema, documents / built.name / "schema.json")
            return result

        dropped, kept = self._step("leaks", [checked, sets], [source], [documents, report], check)
        self._note_dropped(sets, dropped)
        for built in sets:
            built.kept = {split: n for split in built.read if (n := kept.get(f"{built.name}/{split}", 0))}

    @staticmethod
    def _note_dropped(sets: list[BuiltSet], dropped: dict[str, dict[str, int]]) -> None:
        for built in sets:
            for reason, n in dropped.get(built.name, {}).items():
                built.dropped[reason] = built.dropped.get(reason, 0) + n

    def _mine(self, sets: list[BuiltSet]) -> None:
        """One dictionary of three levels: task, data set, label."""
        target, scores = self.out / "hard_negatives.json", self.work / "negatives"
        folders = [self.out / "documents" / built.name for built in sets]

        def work() -> None:
            target.unlink(missing_ok=True)
            check_folder(scores)
            for built, folder in zip(sets, folders, strict=True):
                # Never from test: the questions would tell what the test confuses.
                split = next((s for s in ("train", "dev") if s in built.kept), None)
                if split is not None:
                    for task in built.tasks:
                        negatives(config_of("negatives", self.plan, {
                            "schema_path": str(folder / "schema.json"), "tgt_path": str(target), "task": task,
                            "src_path": [str(folder / f"{split}.jsonl")], "dataset": built.name,
                            "scores": str(scores / f"{built.name}.{task}.json"),
                        }))

        settings = [self.plan.negatives, [[b.name, b.tasks, list(b.kept)] for b in sets]]
        self._step("negatives", settings, folders, [target, scores], work)

    def _convert(self) -> list[Path]:
        """The instruction rows, a file a data set, task and split; notes how many each data set has."""
        work: list[tuple[BuiltSet, str, ConvertConfig]] = []
        for built in self.built:
            for task in built.tasks:
                for split in built.kept:
                    target = (self.out / "test" / f"{built.name}.{task}.jsonl" if split == "test"
                              else self.work / "rows" / f"{built.name}.{task}.{split}.jsonl")
                    work.append((built, f"{task} {split}", self._convert_config(built, task, split, target)))
        # Files too small to be shared out are converted side by side.
        small = [x for x in work if self.config.ray is None and Path(x[2].src_path).stat().st_size < WORTH_SHARING]
        large = [x for x in work if x not in small]
        make = partial(converter, self.stamps)
        workers = min(self.config.workers, max(len(small), 1))
        results = chain(ordered_map(make, [replace(config, workers=1) for _, _, config in small], workers),
                        map(make(), [config for _, _, config in large]))
        with self._cluster():
            for (built, what, _), (rows, kept) in zip([*small, *large], results, strict=True):
                built.rows[what] = rows
                self.on_event(f"convert {built.name} {what}", "kept" if kept else "done")
        for built in self.built:
            built.rows = {what: built.rows[what] for other, what, _ in work if other is built}
        return [Path(config.tgt_path) for _, _, config in work]

    def _cluster(self) -> AbstractContextManager[object]:
        """One connection for all conversions."""
        if self.config.ray is None:
            return nullcontext()
        from iepile.ray_cluster import connected

        return connected(self.config.ray, self.config.workers)

    def _convert_config(self, built: BuiltSet, task: str, split: str, target: Path) -> ConvertConfig:
        folder = self.out / "documents" / built.name
        own = next(f.card for f in self.found if f.card.name == built.name)
        size = self.plan.split_num.get(task) or (own.split_num if task == own.task else get_task(task).split_num)
        given: dict[str, Any] = {
            "src_path": str(folder / f"{split}.jsonl"), "tgt_path": str(target), "task": task, "split": split,
            "schema_path": str(folder / "schema.json"), "language": built.language, "source": built.name,
            "split_num": size, "workers": self.config.workers, "ray": self.config.ray, "seed": self.plan.seed,
        }
        if split == "test":
            given |= dict.fromkeys(("cluster_mode", "random_sort"), False) | {"negative_ratio": None}
        elif self.plan.convert.get("cluster_mode"):
            given |= {"hard_negative_path": str(self.out / "hard_negatives.json"), "hard_negative_dataset": built.name}
        config: ConvertConfig = config_of("convert", self.plan, given)
        return config

    def _join(self, parts: list[Path]) -> dict[str, int]:
        """Rows of all data sets in one file a split, and how many each file of the corpus has."""
        rows = {}
        for split in ("train", "dev"):
            found = [part for part in parts if part.name.endswith(f".{split}.jsonl")]
            target = self.out / f"{split}.jsonl"

            def join(found: list[Path] = found, target: Path = target) -> int:
                lines = 0
                with atomic_writer(target) as out:
                    for part in found:
                        with part.open("rb") as file:
                            while block := file.read(1 << 20):
                                lines += block.count(b"\n")
                                out.write(block)
                return lines

            if found:
                rows[target.name] = self._step(f"join {split}", None, found, [target], join)
        for built in self.built:
            for task in built.tasks:
                if (n := built.rows.get(f"{task} test")) is not None:
                    rows[f"test/{built.name}.{task}.jsonl"] = n
        return rows

    def _count(self) -> None:
        given = [self.out / f"{split}.jsonl" for split in ("train", "dev")]
        found = [str(path) for path in given if path.is_file()]
        output, page = self.out / "statistics.json", self.out / "statistics.html"
        if found:
            domains = [f"{built.name}={built.domain}" for built in self.built]
            config = config_of("statistics", self.plan, {
                "input_files": found, "output": str(output), "page": str(page), "domains": domains})
            self._step("statistics", config, map(Path, found), [output, page], lambda: stats(config) and None)
