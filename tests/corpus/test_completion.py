"""Documents that lack a clause while their triples stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.corpus.completion import CompletionConfig, CompletionMaker, completion
from iepile.corpus.importing import ImportConfig, import_documents
from iepile.errors import InputError
from iepile.jsonl import read_rows, write_rows
from iepile.records import Argument, Document, Entity, Event, Relation, Span
from iepile.unified import document_from_row, document_to_row

# The example of the InstructKGC guide.
TEXT = ("2006年，弗雷泽出战中国天津举行的女子水球世界杯，协助国家队夺得冠军。"
        "2008年，弗雷泽代表澳大利亚参加北京奥运会女子水球比赛，赢得铜牌。")
MISSING = ("2006年，弗雷泽出战中国天津举行的女子水球世界杯。"
           "2008年，弗雷泽代表澳大利亚参加北京奥运会女子水球比赛，赢得铜牌。")
TRIPLES = [
    ("弗雷泽", "获奖", "铜牌"), ("女子水球世界杯", "举办地点", "天津"), ("弗雷泽", "属于", "国家队"),
    ("弗雷泽", "国家", "澳大利亚"), ("弗雷泽", "参加", "北京奥运会女子水球比赛"), ("中国", "包含行政领土", "天津"),
    ("中国", "邦交国", "澳大利亚"), ("北京奥运会女子水球比赛", "举办地点", "北京"),
    ("女子水球世界杯", "体育运动", "水球"), ("国家队", "夺得", "冠军"),
]
TWO = [("甲", "爱", "乙"), ("乙", "友", "甲")]
EN = "Ada Byron, who lived in London, was a writer. She met Charles Babbage, an inventor of Cambridge, in 1833."


def span(text: str, mention: str, after: int = 0) -> Span:
    at = text.index(mention, after)
    return Span(mention, at, at + len(mention))


def document(text: str, triples: list[tuple[str, str, str]], grounded: bool = False, **more: Any) -> Document:
    find = (lambda m: span(text, m)) if grounded else Span
    return Document(text, relations=tuple(Relation(r, find(h), find(t)) for h, r, t in triples),
                    annotated=("relation",), **more)


def made(doc: Document, **options: Any) -> list[Document]:
    config = CompletionConfig(src_path="", tgt_path="", **options)
    return CompletionMaker(config).made_of(doc)


@pytest.mark.parametrize("grounded", [False, True])
def test_the_example_of_the_guide(grounded: bool) -> None:
    every = made(document(TEXT, TRIPLES, grounded, id="7"), variants=50)
    [doc] = [d for d in every if d.text == MISSING]
    assert doc.meta["completion"] == {"of": "7", "text": "，协助国家队夺得冠军", "start": 25, "end": 35, "lost": [
        ["弗雷泽", "属于", "国家队"], ["国家队", "夺得", "冠军"]]}
    assert doc.id == f"7~{every.index(doc) + 1}" and len({d.id for d in every}) == len(every)
    # The output stays.
    assert [(r.head.text, r.type, r.tail.text) for r in doc.relations] == TRIPLES
    places = [(s.text, s.grounded) for r in doc.relations for s in (r.head, r.tail)]
    assert {text for text, known in places if grounded and not known} == ({"国家队", "冠军"} if grounded else set())
    for s in doc.facts.spans():
        assert s.offsets is None or doc.text[slice(*s.offsets)] == s.text


def test_the_example_is_what_one_seed_draws() -> None:
    texts = [made(document(TEXT, TRIPLES), seed=seed)[0].text for seed in range(40)]
    assert MISSING in texts and len(set(texts)) > 3


def test_english() -> None:
    doc = document(EN, [("Ada Byron", "lives in", "London"), ("Charles Babbage", "lives in", "Cambridge")], True)
    by_loss = {tuple(d.meta["completion"]["lost"][0]): d.text for d in made(doc, variants=9, borders="clause")}
    assert by_loss[("Ada Byron", "lives in", "London")] == (
        "Ada Byron was a writer. She met Charles Babbage, an inventor of Cambridge, in 1833.")
    assert by_loss[("Charles Babbage", "lives in", "Cambridge")] == (
        "Ada Byron, who lived in London, was a writer. She met Charles Babbage, in 1833.")
    sentences = made(doc, variants=9, borders="sentence")
    assert {d.text for d in sentences} == {"Ada Byron, who lived in London, was a writer.",
                                          "She met Charles Babbage, an inventor of Cambridge, in 1833."}


def test_every_fact_stays_and_every_place_moves() -> None:
    text = "甲生于乙，住在丙。甲和丁结婚，甲离开丙。"
    doc = Document(text, "x", "zh", "s", (Entity("人", span(text, "甲"), 0.5), Entity("地", span(text, "乙"))),
                   (Relation("生于", span(text, "甲"), span(text, "乙"), "人", "地", 0.25),
                    Relation("配偶", span(text, "甲", 5), span(text, "丁"))),
                   (Event("结婚", span(text, "结婚"), (Argument("方", span(text, "丁")),)),
                    Event("出生", span(text, "生于"))),
                   ("entity", "relation", "event"), {"note": 1})
    [new] = [d for d in made(doc, variants=9) if d.text.startswith("住在丙")]
    assert new.meta["note"] == 1 and new.language == "zh" and new.source == "s" and new.annotated == doc.annotated
    assert new.entities[1] == Entity("地", Span("乙")) and new.entities[0] == Entity("人", Span("甲"), 0.5)
    assert new.relations[0] == Relation("生于", Span("甲"), Span("乙"), "人", "地", 0.25)
    assert new.events[1].trigger == Span("生于")
    assert new.relations[1] == Relation("配偶", span(new.text, "甲"), span(new.text, "丁"))
    assert new.events[0].trigger == span(new.text, "结婚")
    assert document_from_row(document_to_row(new)) == new


def test_of_a_triple_supported_elsewhere_the_mentions_move_there() -> None:
    text = "甲爱乙，和丙是友。甲爱乙。"
    doc = document(text, [("甲", "爱", "乙"), ("甲", "友", "丙")], True)
    new = next(d for d in made(doc, variants=9, borders="sentence") if d.text == "甲爱乙。")
    assert new.relations[0] == Relation("爱", Span("甲", 0, 1), Span("乙", 2, 3))
    assert new.meta["completion"]["lost"] == [["甲", "友", "丙"]]


@pytest.mark.parametrize(("doc", "options", "reason"), [
    (document("甲爱乙，丙走了。", []), {}, "no triple"),
    (document("甲爱乙，丙走了。", [("甲", "爱", "乙")]), {"share": 0.0}, "not drawn"),
    (document("甲爱乙，丙走了。", [("甲", "爱", "乙"), ("甲", "爱", "乙")]), {}, "one triple only"),
    (document("甲爱乙", TWO), {}, "no clause or sentence can go"),
    (document("甲爱乙，丙走了。", TWO, meta={"completion": {}}), {}, "lacks a piece already"),
    (document("甲爱乙，丙走了。", TWO), {}, "no triple would keep its support"),
    (document("甲爱乙，甲爱乙。", TWO), {}, "every piece leaves all triples their support"),
    (document("甲爱乙，丙走了。", [("甲", "爱", "丁"), ("甲", "友", "丁")]), {},
     "every piece leaves all triples their support"),
    (document("甲爱乙。甲来。乙走。", TWO), {}, "support would be in doubt"),
])
def test_where_nothing_can_be_taken_out(doc: Document, options: dict[str, Any], reason: str) -> None:
    maker = CompletionMaker(CompletionConfig(src_path="", tgt_path="", **options))
    assert maker.made_of(doc) == [] and maker.summary.without == {reason: 1}
    kept = CompletionMaker(CompletionConfig(src_path="", tgt_path="", originals=True, **options))
    assert list(kept.run([doc])) == [doc]


def test_all_triples_may_lose_their_support_where_one_says_so() -> None:
    doc = document("甲爱乙，丙走了。", [("甲", "爱", "乙")])
    [new] = made(doc, keep_one=False)
    assert new.text == "丙走了。" and new.meta["completion"]["lost"] == [["甲", "爱", "乙"]]


@pytest.mark.parametrize(("field", "value"), [("variants", 0), ("share", 1.5), ("share", -1.0), ("borders", "word")])
def test_settings_out_of_range(field: str, value: object) -> None:
    with pytest.raises(InputError, match=field):
        CompletionMaker(CompletionConfig(src_path="", tgt_path="", **{field: value}))


def test_a_file(tmp_path: Path) -> None:
    source, target = tmp_path / "docs.json", tmp_path / "out.json"
    docs = [document(f"第{n}，{TEXT}", TRIPLES) for n in range(30)] + [document("甲", [("甲", "是", "甲")])]
    write_rows(source, map(document_to_row, docs))
    summary = completion(CompletionConfig(src_path=str(source), tgt_path=str(target), variants=2))
    assert (summary.documents, summary.with_variants, summary.variants) == (31, 30, 60)
    assert summary.without == {"one triple only": 1} and sum(summary.pieces.values()) == 60
    rows = [r for _, r in read_rows(target)]
    lost = sum(len(r["meta"]["completion"]["lost"]) for r in rows)
    assert summary.lost == lost and summary.lost + summary.supported == 60 * len(TRIPLES)
    whole = target.read_bytes()
    # What is drawn for a document does not hang on the ones before it.
    write_rows(source, map(document_to_row, docs[::-1]))
    completion(CompletionConfig(src_path=str(source), tgt_path=str(target), variants=2))
    assert sorted(target.read_bytes().splitlines()) == sorted(whole.splitlines())
    completion(CompletionConfig(src_path=str(source), tgt_path=str(target), variants=2, seed=1))
    assert sorted(target.read_bytes().splitlines()) != sorted(whole.splitlines())
    half = completion(CompletionConfig(src_path=str(source), tgt_path=str(target), share=0.5, originals=True))
    assert 5 < half.without["not drawn"] < 26
    assert len(target.read_bytes().splitlines()) == 31 + half.variants


def test_bad_input_is_named_by_line(tmp_path: Path) -> None:
    source = tmp_path / "docs.json"
    source.write_text('{"text": "a, b"}\n{"relation": []}\n')
    with pytest.raises(InputError, match=r"docs.json.*2"):
        completion(CompletionConfig(src_path=str(source), tgt_path=str(tmp_path / "out.json")))
    assert not (tmp_path / "out.json").exists()


WORDS = ["甲", "乙", "丙丁", "Ada", "Bob Lee", "U.S.", "走了", "，", "。", "；", ", ", ". ", "“", "”", "（", "）", "\n",
         "\0", "\U0001f600", "e\u0301"]
PARTS = st.lists(st.sampled_from(WORDS), max_size=25).map("".join)


@given(PARTS, st.lists(st.tuples(st.integers(0, 50), st.integers(1, 6), st.integers(0, 50), st.integers(1, 6)),
                       max_size=4), st.sampled_from(["zh", "en"]), st.booleans())
def test_any_document(text: str, places: list[tuple[int, int, int, int]], language: str, grounded: bool) -> None:
    relations = []
    for a, n, b, m in places:
        if a + n <= len(text) and b + m <= len(text):
            head, tail = Span(text[a : a + n], a, a + n), Span(text[b : b + m], b, b + m)
            relations.append(Relation("r", *((head, tail) if grounded else (Span(head.text), Span(tail.text)))))
    doc = Document(text, "k", language, relations=tuple(relations), annotated=("relation",))
    for new in made(doc, variants=3):
        about = new.meta["completion"]
        assert new.text[: about["start"]] + about["text"] + new.text[about["start"] :] == text
        assert about["of"] == "k" and about["lost"]
        assert [(r.head.text, r.tail.text) for r in new.relations] == [(r.head.text, r.tail.text) for r in relations]
        for r in new.relations:
            for s in (r.head, r.tail):
                assert s.offsets is None or new.text[slice(*s.offsets)] == s.text
            if [r.head.text, "r", r.tail.text] not in about["lost"] and grounded:
                assert r.head.grounded and r.tail.grounded


@pytest.mark.parametrize(("path", "least"), [("DuIE2.0/train_data_5000.json", 900), ("conll04/conll04_train.json", 80),
                                             ("New-York-Times-RE/test_triples.json", 100)])
def test_real_texts(path: str, least: int, shared: Path, tmp_path: Path) -> None:
    docs = tmp_path / "docs.json"
    import_documents(ImportConfig(src_path=str(shared / "data" / path), tgt_path=str(docs)))
    summary = completion(CompletionConfig(src_path=str(docs), tgt_path=str(tmp_path / "out.json"), originals=True))
    assert summary.variants >= least and summary.documents == summary.with_variants + sum(summary.without.values())
    texts = []
    for _, row in read_rows(tmp_path / "out.json"):
        if (about := row.get("meta", {}).get("completion")) is None:
            texts.append(row["text"])
            continue
        rest, at = row["text"], about["start"]
        assert rest[:at] + about["text"] + rest[at:] == texts[-1]
        for head, _, tail in about["lost"]:
            assert head in texts[-1] and tail in texts[-1]
        assert len(about["lost"]) < len({json.dumps([r["head"], r["relation"], r["tail"]]) for r in row["relation"]})
