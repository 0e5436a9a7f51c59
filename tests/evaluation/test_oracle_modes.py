"""The oracle test on every data set there is, by card and by file, in every way to compare mentions: always 100.00."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from iepile.corpus.catalog import cards
from iepile.corpus.folders import Folders
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.errors import InputError
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.jsonl import write_rows
from iepile.records import Document
from oracle import perfect, rows

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data"
FOLDERS = sorted(p.name for p in DATA.iterdir() if p.is_dir()) if DATA.is_dir() else []
MOST = 30
"""Documents of a file; `slow` tries all."""
NOTHING = {"FindVehicle": "nothing but a readme", "IPRE_labels_only": "labels without their sentences"}
TASKS = {"entity": ("NER",), "relation": ("RE", "SPO", "KG", "TRIPLES"), "event": ("EE", "EET", "EEA")}

pytestmark = pytest.mark.skipif(not FOLDERS, reason="needs the shared data sets")


def readable(path: Path) -> Iterator[Path]:
    """What some format claims: a folder as a whole, and its files."""
    for p in (path, *sorted(path.iterdir())):
        try:
            guess_format(p)
        except InputError:
            if p != path and p.is_dir():
                yield from readable(p)
            continue
        yield p


def documents(path: Path, most: int | None) -> list[Document]:
    """Those that somebody annotated; none where the file holds only labels, or texts without them."""
    try:
        return [d for d in islice(read_documents(path), most) if d.annotated]
    except InputError as e:
        assert "labels without their sentences" in e.problem, (path, e)
        return []


def check(tmp_path: Path, docs: Sequence[Document], told: Sequence[str] = ()) -> list[str]:
    """Every task that the documents have facts for; returns the tasks."""
    done = []
    language = docs[0].language or "zh"
    for kind, tasks in TASKS.items():
        mine = [d for d in docs if kind in d.annotated]
        for task in tasks if mine else ():
            if task == "SPO" and not all(r.head_type and r.tail_type for d in mine for r in d.relations):
                assert task not in told
                continue
            try:
                report = perfect(tmp_path, mine, task, language=language)
            except AssertionError as e:
                raise AssertionError(f"{task}: {e}") from e
            if report is not None:
                done.append(task)
    return done


def test_the_folders_are_those_of_the_manifest() -> None:
    listed = json.loads((DATA / "MANIFEST.json").read_text("utf-8"))["datasets"]
    assert sorted(d["dataset"] for d in listed) == FOLDERS


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file(tmp_path: Path, folder: str) -> None:
    found = {p: docs for p in readable(DATA / folder) if (docs := documents(p, MOST))}
    assert bool(found) != (folder in NOTHING)
    for path, docs in found.items():
        assert check(tmp_path, docs), path


@pytest.mark.slow
@pytest.mark.parametrize("folder", [f for f in FOLDERS if f not in NOTHING])
def test_every_file_whole(tmp_path: Path, folder: str) -> None:
    for path in readable(DATA / folder):
        if docs := documents(path, None):
            assert check(tmp_path, docs), path


HAVE = [name for name, card in cards().items() if DATA.is_dir() and card.find(Folders(DATA))]


@pytest.mark.parametrize("name", HAVE)
def test_every_card(tmp_path: Path, name: str) -> None:
    """Labels by the names that the card gives them, and each task that it says."""
    card = cards()[name]
    found = card.find(Folders(DATA))
    assert found is not None
    for split in found.splits:
        docs = [d for d in islice(found.read(split), MOST) if d.annotated]
        told = [t for t in (card.task, *card.also) if t in sum(TASKS.values(), ())]
        if docs:
            done = check(tmp_path, docs, told)
            assert set(told) <= set(done), (name, split, told, done)


def test_the_cards_of_the_data_are_many() -> None:
    assert len(HAVE) > 30
    told = {task for name in HAVE for task in (cards()[name].task, *cards()[name].also)}
    assert told >= {"NER", "RE", "SPO", "EE", "EET", "EEA"}


def test_the_oracle_sees_a_wrong_place(tmp_path: Path) -> None:
    """Facts with every place moved by one are perfect by their words, and are nothing by their place."""
    docs = documents(DATA / "conll04/conll04_test.json", MOST)
    path = tmp_path / "moved.json"
    write_rows(path, (row | {"facts": moved(row["facts"])} for row in rows(docs, "NER", language="en")))
    assert evaluate(EvaluateConfig(path1=str(path))).score("NER", "entity").f1 == 100
    assert evaluate(EvaluateConfig(path1=str(path), match="offset")).score("NER", "entity").f1 == 0
    overlap = evaluate(EvaluateConfig(path1=str(path), match="overlap")).score("NER", "entity")
    assert 0 < overlap.f1 <= 100


def moved(facts: dict[str, Any]) -> dict[str, Any]:
    return facts | {"entities": [
        e | {"span": e["span"] | {"start": e["span"]["start"] + 1, "end": e["span"]["end"] + 1}}
        for e in facts.get("entities", ())
    ]}
