"""CASIE: one document a file, shifted offsets, files without an event."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Argument, Document, Event, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
needs_data = pytest.mark.skipif(
    not (SHARED / "data/CASIE").is_dir(), reason="the shared real data is not here"
)


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "casie.json"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, options=options))


TEXT = "Hackers took the files. The firm said hackers took more."


def mention(text: str, start: int, **more: object) -> dict:
    return {"startOffset": start, "endOffset": start + len(text), "text": text, "index": "T1", **more}


def row(*events: dict) -> dict:
    hopper = [{"index": 0, "events": list(events)}]
    return {"sourcefile": "9.txt", "info": {}, "content": TEXT, "cyberevent": {"hopper": hopper}}


THEFT = {
    "nugget": mention("took", 8), "type": "Attack", "subtype": "Databreach", "realis": "Actual",
    "argument": [mention("the files", 13, type="Data", role={"type": "Compromised-Data"})],
}


def test_a_mention_of_an_event_is_an_event(tmp_path: Path) -> None:
    bare = {"nugget": mention("took", 46), "type": "Attack"}
    (doc,) = read(tmp_path, row(THEFT, bare), options=ReadOptions(labels={"Databreach": "data breach"}))
    assert doc.events == (
        Event("data breach", Span("took", 8, 12), (Argument("Compromised-Data", Span("the files", 13, 22)),)),
        Event("Attack", Span("took", 46, 50)),
    )
    assert (doc.id, doc.meta) == ("9.txt", {"attributes": [{"realis": "Actual"}, {}]})


def test_shifted_offsets_go_to_the_nearest_mention(tmp_path: Path) -> None:
    options = ReadOptions()
    far = {**THEFT, "nugget": mention("took", 44), "argument": [mention("", 3, role={"type": "Tool"})]}
    (doc,) = read(tmp_path, row(far), options=options)
    assert doc.events[0].trigger == Span("took", 46, 50) and doc.events[0].arguments == ()
    assert options.summary.repairs == {Repair.MOVED: 1, Repair.EMPTY_MENTION: 1}


def test_a_folder_and_a_file_without_event(tmp_path: Path) -> None:
    folder = tmp_path / "annotation"
    folder.mkdir()
    (folder / "1.json").write_text(json.dumps({"sourcefile": "1.txt", "content": TEXT, "info": {}}))
    (folder / "2.json").write_text(json.dumps(row(THEFT)))
    (folder / "1.txt").write_text("not read")
    options = ReadOptions()
    none, one = read_documents(folder, options=options)
    assert (none.id, none.annotated, none.events, len(one.events)) == ("1.txt", ("event",), (), 1)
    assert options.summary.format == "casie"


def test_a_wrong_field_is_named_with_its_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as info:
        read(tmp_path, row(THEFT, {**THEFT, "nugget": {"startOffset": "8", "text": "took"}}))
    assert (info.value.file, info.value.line) == (tmp_path / "casie.json", 1)
    assert info.value.field == "cyberevent.hopper[0].events[1].nugget.startOffset"
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no file to read"):
        list(read_documents(tmp_path / "empty", "casie"))


@needs_data
@pytest.mark.parametrize("path", ["CASIE", "CASIE/annotation"])
def test_real_folder(path: str) -> None:
    options = ReadOptions()
    docs = list(read_documents(SHARED / "data" / path, options=options))
    spans = [s for d in docs for s in d.facts.spans()]
    assert (len(docs), sum(len(d.events) for d in docs), len(spans)) == (200, 1937, 7084)
    assert all(s.grounded for s in spans) and options.summary.repairs == {Repair.MOVED: 275}
    assert len({e.type for d in docs for e in d.events}) == 5


@needs_data
def test_damaged_real_data(tmp_path: Path) -> None:
    data = head_of(SHARED / "data/CASIE/annotation/10001.json")
    assert check_reader("casie", data, tmp_path, n=100)["read"] > 0
