"""MSRA inline tags."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.raw import entities, read_real, read_text
from iepile.corpus.formats.format import guess_format
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError


def test_segments_are_joined_and_lines_are_documents(tmp_path: Path) -> None:
    options = ReadOptions(labels={"nr": "人物"})
    first, second = read_text(tmp_path, "slash_tags", "王芳/nr 在/o 南京/ns 工作。/o \n\n各位代表/o\n", options)
    assert first.text == "王芳在南京工作。" and first.annotated == ("entity",)
    assert entities(first) == [("人物", "王芳", (0, 2)), ("ns", "南京", (3, 5))]
    assert second.text == "各位代表" and not second.entities and not options.summary.repairs


def test_slashes_blanks_and_untagged_ends_stay_in_the_text(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read_text(tmp_path, "slash_tags", "1/2 公司/nt A/B/o 剩下 的\n", options)
    assert doc.text == "1/2 公司A/B剩下 的" and entities(doc) == [("nt", "1/2 公司", (0, 6))]
    assert options.summary.repairs == {Repair.COLUMNS: 1}


def test_guessing_wants_a_tag_at_the_end_of_every_line(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("王芳/nr 来/o\n你好\n", encoding="utf-8")
    with pytest.raises(InputError):
        guess_format(path)
    path.write_text("王芳/nr 来/o\n", encoding="utf-8")
    assert guess_format(path)[0].name == "slash_tags"
    path.write_text("a/o " * 30_000 + "x", encoding="utf-8")
    with pytest.raises(InputError):
        guess_format(path)


segments = st.tuples(st.text("王芳在1/", min_size=1, max_size=4), st.sampled_from(["nr", "ns", "o"]))


@given(st.lists(segments, min_size=1))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, parts: list) -> None:
    folder = tmp_path_factory.mktemp("slash")
    (doc,) = read_text(folder, "slash_tags", " ".join(f"{text}/{tag}" for text, tag in parts))
    wanted, at = [], 0
    for text, tag in parts:
        wanted += [(tag, text, (at, at + len(text)))] if tag != "o" else []
        at += len(text)
    assert entities(doc) == wanted and doc.text == "".join(text for text, _ in parts)


def test_real_file() -> None:
    docs, repairs = read_real("MSRA/testright1_slash_tags.txt", "slash_tags")
    assert len(docs) == 500 and sum(len(d.entities) for d in docs) == 955 and not repairs
    assert {e.type for d in docs for e in d.entities} == {"nr", "ns", "nt"}
