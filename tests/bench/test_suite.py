"""Suites: the lists of the reference's script, and files of one's own with the line of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench_examples import SUITE
from iepile.bench.suite import SHIPPED, read_suite, read_suites
from iepile.corpus.catalog import cards
from iepile.errors import InputError


def test_the_suites_hold_what_the_reference_converts() -> None:
    """`eval_data_convert.bash`: 5 + 19 NER, 5 + 18 RE, 4 + 3 + 12 + 12 EE (formats.md 2.7)."""
    chosen = [c for c in read_suites("all") if "LDC" not in c.entry.note]
    counts = {(t, lang): sum(c.entry.task == t and c.card.language == lang for c in chosen)
              for t in ("NER", "RE", "EE") for lang in ("zh", "en")}
    # RAMS and WikiEvents stand for twelve parts each.
    assert counts == {("NER", "zh"): 5, ("NER", "en"): 19, ("RE", "zh"): 5, ("RE", "en"): 18, ("EE", "zh"): 4,
                      ("EE", "en"): 5}
    assert {c.split_num for c in chosen if c.entry.task == "NER"} == {6}
    assert {c.split_num for c in chosen if c.entry.task != "NER"} == {4}


def test_every_data_set_of_iepile_is_in_the_suite_of_its_role() -> None:
    for suite, role in (("supervised", "train"), ("zero-shot", "held-out")):
        named = {c.card.name for c in read_suite(suite)[1]}
        assert named == {c.name for c in cards().values() if c.role == role}


def test_folds_are_part_of_one_data_set() -> None:
    folds = [c for c in read_suites("zero-shot") if c.entry.part_of]
    assert [c.entry.part_of for c in folds] == ["FewRel"] * 5 + ["Wiki-ZSL"] * 5
    assert all(c.entry.splits == ("test",) for c in folds)  # the relations of dev are others


def test_a_suite_of_ones_own() -> None:
    suite, chosen = read_suite(str(SUITE))
    assert suite.name == "examples" and [c.card.name for c in chosen][:2] == ["notices_zh", "staff_en"]
    assert chosen[-1].card is cards()["CoNLL2003"]


@pytest.mark.parametrize(("text", "line", "said"), [
    ("name: a\nsetting: supervised\nsets:\n  - {dataset: AnatEM, task: NER}\n  - {dataset: AnatEN, task: NER}\n", 5,
     "did you mean AnatEM"),
    ("name: a\nsetting: supervised\nsets:\n  - dataset: AnatEM\n    task: RE\n", 5, "does not serve"),
    ("name: a\nsetting: supervised\nsets:\n  - dataset: AnatEM\n    task: NERD\n", 5, "NERD"),
    ("name: a\nsetting: few-shot\nsets: []\n", 2, "few-shot"),
    ("name: a\nsetting: supervised\nsets:\n  - {dataset: ncbi, task: NER}\n  - {dataset: ncbi, task: NER}\n", 5,
     "twice"),
    ("name: a\nsetting: supervised\nsets:\n  - {dataset: ncbi, task: NER, split: dev}\n", 4, "split"),
    ("name: a\nname: b\nsets: []\n", 2, "twice"),
    ("name: a\nsetting: supervised\nsets:\n  - {dataset: ncbi, task: NER, split_num: -2}\n", 4, "split_num"),
    ("name: a\nsets: [\n", 3, "not YAML"),
    ("- a\n", 1, "object"),
    ("a: &x [1]\nb: *x\n", 1, "alias"),
    ("", 1, "object"),
])
def test_a_bad_suite_is_told_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as e:
        read_suite(str(path))
    assert f"s.yaml:{line}:" in str(e.value) and said in str(e.value)


def test_no_such_suite(tmp_path: Path) -> None:
    for name in ("supervized", str(tmp_path / "gone.yaml")):
        with pytest.raises(InputError):
            read_suite(name)
    assert SHIPPED == ("supervised", "zero-shot")
