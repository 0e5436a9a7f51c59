from __future__ import annotations

from pathlib import Path

import pytest

from iepile.corpus.synthetic.write import GenerateConfig, schema, write_documents
from iepile.errors import InputError
from iepile.jsonl import read_rows
from iepile.schema import Schema
from iepile.tasks import get_task, task_names
from iepile.unified import document_from_row

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_documents_use_the_schema_they_come_with(tmp_path: Path, language: str) -> None:
    target, labels = tmp_path / "docs.jsonl", tmp_path / "schema.json"
    done = write_documents(GenerateConfig(tgt_path=str(target), n=300, language=language, schema_path=str(labels)))
    assert done.documents == 300
    read = Schema.read(labels)
    assert read == schema(language)
    for _, row in read_rows(target):
        doc = document_from_row(row)
        for name in task_names():
            task = get_task(name)
            roles = {i.name: set(i.roles) for i in task.items(read)}
            for label, seen in task.positives(doc.facts).items():
                assert set(seen) <= roles[label]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_examples_show_the_same_schema(language: str) -> None:
    assert Schema.read(EXAMPLES / f"schema_{language}.yaml") == schema(language)


@pytest.mark.parametrize(("language", "task"), [(a, b) for a in ("zh", "en") for b in ("NER", "RE", "EE")])
def test_the_three_line_examples_hold_the_same_labels(language: str, task: str) -> None:
    lines = Schema.read(EXAMPLES / language / f"schema_{task.lower()}.json", task)
    assert get_task(task).items(lines) == get_task(task).items(schema(language))


@pytest.mark.parametrize("wrong", [{"language": "fr"}, {"split": "all"}, {"n": -1}])
def test_wrong_settings_write_nothing(tmp_path: Path, wrong: dict[str, str | int]) -> None:
    config = GenerateConfig(tgt_path=str(tmp_path / "docs.jsonl"))
    for name, value in wrong.items():
        setattr(config, name, value)
    with pytest.raises(InputError):
        write_documents(config)
    assert not list(tmp_path.iterdir())
