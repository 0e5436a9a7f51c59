"""The published prompts, to the character."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iepile.errors import InputError
from iepile.instructions.wording import languages, prompt, read_wordings, tasks_of
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


@pytest.mark.parametrize("task", ["NER", "RE", "KG", "EE", "EET", "EEA"])
def test_as_in_the_published_rows(shared: Path, task: str) -> None:
    with (shared / "data" / "DeepKE_InstructKGC" / task / "train.json").open(encoding="utf-8") as f:
        row = json.loads(f.readline())
    assert json.loads(row["instruction"])["instruction"] == prompt(task, "zh")


def test_older_rows_are_understood(shared: Path) -> None:
    with (shared / "data" / "DeepKE_InstructKGC" / "SPO" / "train.json").open(encoding="utf-8") as f:
        asked = json.loads(json.loads(f.readline())["instruction"])
    assert tasks_of(asked["instruction"], asked["schema"]) == (("SPO", "zh"),)
    assert asked["instruction"] != prompt("SPO", "zh")


def test_the_schema_tells_tasks_of_one_prompt_apart() -> None:
    for language in ("zh", "en"):
        text = prompt("RE", language)
        assert dict(tasks_of(text)) == {"RE": language, "SPO": language}
        assert tasks_of(text, ["born in"]) == (("RE", language),)
        triple = {"subject_type": "a", "predicate": "b", "object_type": "c"}
        assert tasks_of(text, [triple]) == (("SPO", language),)
        assert tasks_of(text, [5]) == ()


def test_a_file_of_ones_own_goes_before(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[en]\nNER = "Find."\n[de]\nNER = "Finde."\n', encoding="utf-8")
    own = read_wordings(str(path))
    assert (prompt("NER", "en", own), prompt("NER", "de", own)) == ("Find.", "Finde.")
    assert prompt("NER", "zh", own) == prompt("NER", "zh")
    assert prompt("RE", "en", own) == prompt("RE", "en")
    with pytest.raises(InputError, match="no de prompt for task RE"):
        prompt("RE", "de", own)
    with pytest.raises(InputError, match="no wording for language 'fr'") as e:
        prompt("NER", "fr", own)
    assert e.value.expected == "en, zh, de"


@pytest.mark.parametrize(("text", "field", "words"), [
    ("", None, "has no prompt"),
    ("NER", None, "not TOML"),
    ("\xff", None, "not TOML"),
    ('NER = "x"', "NER", "stands outside a language"),
    ('[en]\nNERR = "x"', "en.NERR", "unknown task 'NERR'"),
    ("[en]\nNER = 5", "en.NER", "the prompt is 5"),
    ('[en]\nNER = " "', "en.NER", "the prompt is ' '"),
])
def test_what_is_no_wording(tmp_path: Path, text: str, field: str | None, words: str) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=words) as e:
        read_wordings(str(path))
    assert (e.value.file, e.value.field) == (str(path), field)
