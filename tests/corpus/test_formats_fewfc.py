"""FewFC: the trigger is a mention among the others; several events of one trigger."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Argument, Document, Event, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
needs_data = pytest.mark.skipif(
    not (SHARED / "data/FewFC").is_dir(), reason="the shared real data is not here"
)


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "fewfc.json"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, options=options))


TEXT = "银河公司与月亮公司昨日收购星海公司。"


def event(*mentions: tuple[str, int, str]) -> dict:
    return {"type": "收购", "mentions": [{"word": w, "span": [s, s + len(w)], "role": r} for w, s, r in mentions]}


def test_mentions_become_trigger_and_arguments(tmp_path: Path) -> None:
    events = [event(("收购", 11, "trigger"), (who, at, "sub-org")) for who, at in (("银河公司", 0), ("月亮公司", 5))]
    options = ReadOptions(labels={"sub-org": "收购方"})
    (doc,) = read(tmp_path, {"id": 7, "content": TEXT, "events": events}, options=options)
    trigger = Span("收购", 11, 13)
    assert doc.events == (
        Event("收购", trigger, (Argument("收购方", Span("银河公司", 0, 4)),)),
        Event("收购", trigger, (Argument("收购方", Span("月亮公司", 5, 9)),)),
    )
    assert (doc.id, doc.language, doc.annotated) == ("7", "zh", ("event",))


def test_wrong_spans_second_triggers_and_empty_ones(tmp_path: Path) -> None:
    options = ReadOptions()
    odd = event(("收购", 12, "trigger"), ("昨日", 9, "trigger"), ("", 0, "date"))
    doc, none, test = read(tmp_path, {"content": TEXT, "events": [odd, {"type": "x", "mentions": []}]},
                           {"content": TEXT, "events": []}, {"content": TEXT}, options=options)
    assert doc.events[0] == Event("收购", Span("收购", 11, 13), (Argument("trigger", Span("昨日", 9, 11)),))
    assert doc.events[1] == Event("x")
    assert (none.annotated, none.events, test.annotated) == (("event",), (), ())
    assert options.summary.repairs == {Repair.MOVED: 1, Repair.EMPTY_MENTION: 1}


def test_a_wrong_field_is_named(tmp_path: Path) -> None:
    good = {"content": TEXT, "events": []}
    bad = {"content": TEXT, "events": [{"type": "收购", "mentions": [{"word": "收购", "span": [1], "role": "r"}]}]}
    with pytest.raises(InputError) as info:
        read(tmp_path, good, bad)
    assert (info.value.line, info.value.field) == (2, "events[0].mentions[0].span")


@needs_data
@pytest.mark.parametrize(
    ("file", "documents", "mentions"),
    [("train_base", 1500, 11038), ("train_trans", 820, 3459), ("test_base", 500, 3575), ("test_trans", 500, 2149)],
)
def test_real_files(file: str, documents: int, mentions: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(SHARED / f"data/FewFC/{file}.json", options=options))
    spans = [s for d in docs for s in d.facts.spans()]
    assert (len(docs), len(spans), options.summary.format) == (documents, mentions, "fewfc")
    assert all(s.grounded for s in spans) and not options.summary.repairs
    assert all(e.trigger is not None for d in docs for e in d.events)


@needs_data
def test_damaged_real_data_and_a_derived_file(tmp_path: Path) -> None:
    assert check_reader("fewfc", head_of(SHARED / "data/FewFC/train_base.json"), tmp_path, n=100)["read"] > 0
    with pytest.raises(InputError, match="no format we know"):
        guess_format(SHARED / "data/FewFC/partial_train_AE_mrc.json")
