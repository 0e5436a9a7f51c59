"""Boson: double braces in plain text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.raw import entities, read_text
from iepile.corpus.formats.format import guess_format
from iepile.corpus.formats.reading import ReadOptions, Repair


def test_mentions_lose_their_braces(tmp_path: Path) -> None:
    options = ReadOptions(labels={"location": "地点"})
    first, second = read_text(tmp_path, "boson", "此次{{location:南京}}{{person_name:王芳}}到\n\n无人\n", options)
    assert first.text == "此次南京王芳到" and first.annotated == second.annotated == ("entity",)
    assert entities(first) == [("地点", "南京", (2, 4)), ("person_name", "王芳", (4, 6))]
    assert not options.summary.repairs


def test_braces_that_do_not_pair_and_empty_mentions_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read_text(tmp_path, "boson", "去{{location:南京}来{{x:}}\n{{time:}}\n", options)
    assert doc.text == "去{{location:南京}来" and not doc.entities
    assert options.summary.repairs == {Repair.TAGS: 1, Repair.EMPTY_MENTION: 2, Repair.NO_TEXT: 1}


def test_json_with_braces_is_not_boson(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"text": "a {{b:c}}", "entity": []}))
    assert guess_format(path)[0].name == "unified"


plain = st.text("此次到a :", max_size=5)


mentions = st.tuples(plain, st.sampled_from(["location", "产品"]), st.text("南京b:", min_size=1, max_size=4))


@given(st.lists(mentions, min_size=1))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, parts: list) -> None:
    folder = tmp_path_factory.mktemp("boson")
    content = "x" + "".join(f"{before}{{{{{label}:{mention}}}}}" for before, label, mention in parts)
    (doc,) = read_text(folder, "boson", content)
    assert doc.text == "x" + "".join(before + mention for before, _, mention in parts)
    assert [(t, m) for t, m, _ in entities(doc)] == [(label, mention) for _, label, mention in parts]
    assert all(doc.text[start:end] == m for _, m, (start, end) in entities(doc))
