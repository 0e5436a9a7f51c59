"""GIDS's tab-separated lines, made up here."""

from __future__ import annotations

from pathlib import Path

import pytest

from iepile.corpus.catalog import get_card
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError

BORN = "/people/person/place_of_birth"
LINE = f"/m/01\t/m/02\tAda_Bird\tNew_Rome\t{BORN}\tAda_Bird was born in New_Rome , not in Rome . ###END### \n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_names_are_words_again_and_stand_where_they_stand(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", LINE)
    assert guess_format(path)[0].name == "gids"
    (doc,) = read_documents(path, "gids", ReadOptions(labels={BORN: "place of birth"}))
    assert doc.text == "Ada Bird was born in New Rome , not in Rome ."
    (relation,) = doc.relations
    assert relation.type == "place of birth"
    assert [doc.text[s.start:s.end] for s in (relation.head, relation.tail)] == ["Ada Bird", "New Rome"]
    assert doc.meta == {"head_id": "/m/01", "tail_id": "/m/02"}


def test_a_name_that_is_part_of_the_other(tmp_path: Path) -> None:
    line = "a\tb\tBird\tBird_College\tNA\tBird went to Bird_College .###END###\n"
    (doc,) = read_documents(write(tmp_path / "x.tsv", line), "gids")
    assert doc.text == "Bird went to Bird College ."
    assert doc.relations[0].tail.start == 13


def test_a_name_that_is_missing_or_nowhere_is_counted(tmp_path: Path) -> None:
    text = "a\tb\t\tRome\tNA\tRome . ###END###\n\na\tb\tBob\tRome\tNA\tRome . ###END###\na\tb\tA\tB\tNA\t ###END###\n"
    options = ReadOptions()
    docs = list(read_documents(write(tmp_path / "x.tsv", text), "gids", options))
    assert [len(d.relations) for d in docs] == [0, 1]
    repairs = options.summary.repairs
    assert (repairs[Repair.EMPTY_MENTION], repairs[Repair.ABSENT], repairs[Repair.NO_TEXT]) == (1, 1, 1)


def test_a_line_of_other_columns_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as e:
        list(read_documents(write(tmp_path / "x.tsv", LINE + "a\tb\n"), "gids"))
    assert e.value.line == 2


def test_the_card_finds_it(tmp_path: Path) -> None:
    (tmp_path / "GIDS").mkdir()
    write(tmp_path / "GIDS/train.tsv", LINE + LINE.replace(BORN, "NA"))
    found = get_card("GIDS").find(tmp_path)
    assert found is not None
    assert [[r.type for r in d.relations] for d in found.read("train")] == [["place of birth"], []]
