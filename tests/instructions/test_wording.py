"""The published prompts, to the character."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iepile.errors import InputError
from iepile.instructions.wording import languages, prompt, tasks_of
from iepile.tasks import task_names


def test_every_task_has_a_prompt_in_every_language() -> None:
    assert set(languages()) >= {"zh", "en"}
    for task in task_names():
        for language in languages():
            assert (task, language) in tasks_of(prompt(task, language))


def test_unknown_language_and_task() -> None:
    with pytest.raises(InputError, match="no wording for language 'fr'"):
        prompt("NER", "fr")
    with pytest.raises(InputError, match="no zh wording for task XYZ"):
        prompt("XYZ", "zh")
    assert tasks_of("something else") == ()


@pytest.mark.parametrize("task", ["NER", "RE", "EE"])
def test_as_in_the_published_rows(shared: Path, task: str) -> None:
    with (shared / "data" / "DeepKE_InstructKGC" / task / "train.json").open(encoding="utf-8") as f:
        row = json.loads(f.readline())
    assert json.loads(row["instruction"])["instruction"] == prompt(task, "zh")
