"""Hugging Face data sets, written by the datasets library: label names, splits, spans, damaged files."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError, MissingDependency
from iepile.records import Entity, Span

datasets = pytest.importorskip("datasets", reason="datasets is not installed")
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
ROWS = {
    "id": ["a", "b"],
    "tokens": [["Ada", "King", "left", "Rome"], ["No", "one"]],
    "ner_tags": [[1, 2, 0, 3], [0, 0]],
}
FOUND = (Entity("PER", Span("Ada King", 0, 8)), Entity("LOC", Span("Rome", 14, 18)))


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def tagged(names: list[str] | None = None) -> datasets.Dataset:
    kind = datasets.ClassLabel(names=names or TAGS)
    text = datasets.Value("string")
    features = datasets.Features({"id": text, "tokens": datasets.List(text), "ner_tags": datasets.List(kind)})
    return datasets.Dataset.from_dict(ROWS, features=features)


def write(folder: Path, how: str) -> Path:
    data = tagged()
    if how == "save_to_disk":
        data.save_to_disk(folder)
        return folder
    if how == "arrow":
        data.save_to_disk(folder)
        return next(folder.glob("*.arrow"))
    path = folder.with_suffix(f".{how}")
    if how == "parquet":
        data.to_parquet(path)
    else:
        rows = [{**row, "ner_tags": [TAGS[t] for t in row["ner_tags"]]} for row in data]
        path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.mark.parametrize("how", ["save_to_disk", "arrow", "parquet", "jsonl"])
def test_tokens_and_named_tags(how: str, tmp_path: Path) -> None:
    options = ReadOptions()
    doc, none = read_documents(write(tmp_path / "data", how), options=options)
    assert doc.entities == FOUND and (doc.id, doc.text) == ("a", "Ada King left Rome")
    assert (none.entities, none.annotated, options.summary.format) == ((), ("entity",), "huggingface")


def test_splits_are_kept_and_chosen(tmp_path: Path) -> None:
    folder = tmp_path / "training"  # the folder's own name is no split
    datasets.DatasetDict(train=tagged(), validation=tagged().select([0])).save_to_disk(folder)
    docs = list(read_documents(folder))
    assert [(d.id, d.meta["split"]) for d in docs] == [("a", "train"), ("b", "train"), ("a", "dev")]
    options = ReadOptions(split="dev")
    assert [(d.id, d.meta["split"]) for d in read_documents(folder, options=options)] == [("a", "dev")]
    with pytest.raises(InputError, match="no split 'test'") as info:
        list(read_documents(folder, options=ReadOptions(split="test")))
    assert info.value.expected == "train, dev"


@pytest.mark.parametrize("nested", ["list of objects", "object of lists"])
def test_texts_with_spans(nested: str, tmp_path: Path) -> None:
    place = datasets.Value("int32")
    inner = {"start": place, "end": place, "label": datasets.ClassLabel(names=["x", "PER"])}
    entities, span, none = datasets.List(inner), [{"start": 0, "end": 3, "label": 1}], []
    if nested == "object of lists":
        entities = datasets.Sequence(inner)
        span, none = {"start": [0], "end": [3], "label": [1]}, {"start": [], "end": [], "label": []}
    features = datasets.Features({"text": datasets.Value("string"), "entities": entities})
    rows = {"text": ["Ada left", "None", ""], "entities": [span, none, none]}
    path = tmp_path / "spans.parquet"
    datasets.Dataset.from_dict(rows, features=features).to_parquet(path)
    options = ReadOptions(labels={"PER": "person"})
    first, second = read_documents(path, options=options)
    assert first.entities == (Entity("person", Span("Ada", 0, 3)),)
    assert (second.entities, second.annotated) == ((), ("entity",))
    assert options.summary.repairs == {Repair.NO_TEXT: 1}


def test_spans_in_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    row = {"text": "Ada left", "entities": [{"start": 0, "end": 3, "label": "PER", "text": "ADA"}]}
    path.write_text(json.dumps(row) + '\n{"text": "Eve"}\n{"words": ["Eve"]}\n')
    options = ReadOptions()
    first, second, third = read_documents(path, options=options)
    assert first.entities == (Entity("PER", Span("Ada", 0, 3)),)
    assert second.annotated == third.annotated == () and options.summary.repairs == {Repair.DIFFERENT: 1}


def test_labels_without_marks(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    tagged(["O", "PER", "PERSON", "LOC", "ORG"]).to_parquet(path)
    doc, _ = read_documents(path)
    assert [(e.type, e.span.text) for e in doc.entities] == [("PER", "Ada"), ("PERSON", "King"), ("LOC", "Rome")]


def test_names_from_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps({"tokens": ["Ada"], "ner_tags": [1]}))
    with pytest.raises(InputError, match="nothing names them") as info:
        list(read_documents(path))
    assert (info.value.file, info.value.line, info.value.field) == (path, 1, "features")
    named = {"features": {"ner_tags": {"feature": {"names": TAGS, "_type": "ClassLabel"}, "_type": "Sequence"}}}
    for name, content in (("dataset_info.json", named), ("dataset_infos.json", {"default": named})):
        info_file = tmp_path / name
        info_file.write_text(json.dumps(content))
        (doc,) = read_documents(path)
        assert [e.type for e in doc.entities] == ["PER"]
        info_file.unlink()


@pytest.mark.parametrize(("row", "what"), [
    ({"tokens": ["Ada"], "ner_tags": ["O", "O"]}, "1 tokens and 2 ner_tags"),
    ({"tokens": [3], "ner_tags": ["O"]}, "not text"),
    ({"text": "Ada", "entities": [{"start": 0, "end": 9, "label": "PER"}]}, "no characters"),
    ({"text": "Ada", "entities": [{"start": 0, "end": 1}]}, "label"),
])
def test_wrong_rows_are_named(row: dict, what: str, tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"tokens": ["a"], "ner_tags": ["O"]}\n' + json.dumps(row))
    with pytest.raises(InputError, match=what) as info:
        list(read_documents(path, "huggingface"))
    assert (info.value.file, info.value.line) == (path, 2)


def test_numbers_outside_the_names(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"tokens": ["a"], "ner_tags": [4]}\n{"tokens": ["b"], "ner_tags": [-1]}')
    features = {"ner_tags": {"feature": [{"names": TAGS, "_type": "ClassLabel"}]}}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"features": features}))
    with pytest.raises(InputError, match="no label -1 among 5") as info:
        list(read_documents(path))
    assert info.value.line == 2
    (tmp_path / "dataset_info.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        list(read_documents(path))


@pytest.mark.parametrize("how", ["arrow", "parquet"])
def test_damaged_files_name_the_file(how: str, tmp_path: Path) -> None:
    path = write(tmp_path / "data", how)
    data = path.read_bytes()
    draw = random.Random(0)
    refused = 0
    for n in range(80):
        damaged = bytearray(data)
        damaged[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged if n % 2 else damaged[: draw.randrange(len(data))])
        try:
            list(read_documents(path, "huggingface"))
        except InputError as e:
            refused += 1
            assert e.file == path and e.fix
    assert refused >= 40


def test_folders_without_data_and_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no file to read"):
        list(read_documents(tmp_path, "huggingface"))
    path = write(tmp_path / "data", "parquet")
    assert guess_format(tmp_path)[0].name == "huggingface"
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingDependency, match=r"iepile\[formats\]"):
        list(read_documents(path))
