"""A plan is checked before anything is read: numbers, names and depth."""

from __future__ import annotations

from pathlib import Path

import pytest

from iepile.corpus.plan import read_plan
from iepile.errors import InputError


@pytest.mark.parametrize(("text", "says"), [
    ("split_num: {NER: 0}", "split_num of NER is 0"),
    ("split_num: {NERR: 3}", "unknown task 'NERR'"),
    ("cut: {train: -1, dev: 2}", "cut is"),
    ("cut: {train: .nan, dev: 1}", "cut is"),
    ("datasets: " + "[" * 3000 + "]" * 3000, "too deeply nested"),
])
def test_what_cannot_be_meant_is_an_error_of_the_plan(tmp_path: Path, text: str, says: str) -> None:
    plan = tmp_path / "corpus.yaml"
    plan.write_text(text)
    with pytest.raises(InputError) as info:
        read_plan(plan)
    assert says in info.value.problem and info.value.file == plan


def test_all_labels_at_once_and_a_folder(tmp_path: Path) -> None:
    plan = tmp_path / "corpus.yaml"
    plan.write_text("split_num: {NER: -1, RE: 2}")
    assert read_plan(plan).split_num == {"NER": -1, "RE": 2}
    with pytest.raises(InputError, match="is a folder"):
        read_plan(tmp_path)
