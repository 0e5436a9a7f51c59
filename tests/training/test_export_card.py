"""The model card of an export tells what is known and nothing else; the hub is told nothing unless asked."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from export_toys import adapter, byte_pairs, save, tiny, training_run
from iepile.errors import InputError
from iepile.models.card import ModelCard, write_card
from iepile.models.load import load_model
from iepile.training.export.config import ExportConfig
from iepile.training.export.export import export


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 in fp32, without a card."""
    tokenizer = byte_pairs()
    return save(tmp_path_factory.mktemp("base") / "tiny", tiny("qwen2", tokenizer), tokenizer)


@pytest.fixture(scope="module")
def run(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter on it, as the output folder of a training run."""
    return training_run(tmp_path_factory.mktemp("run"), base)


def test_the_card_tells_what_is_known(base: Path, run: Path, tmp_path: Path) -> None:
    import yaml

    score = {"tp": 8, "pred": 10, "gold": 16, "precision": 80.0, "recall": 50.0, "f1": 61.5384}
    (tmp_path / "scores.json").write_text(json.dumps({
        "setting": "iepile-normal/1", "file": "/home/me/pred.json", "scores": [
            {"task": "NER", "group": "entity", "score": score}], "by_source": [], "counts": {}}), "utf-8")
    export(ExportConfig(str(run), str(tmp_path / "out"), scores=str(tmp_path / "scores.json")))
    text = (tmp_path / "out" / "README.md").read_text("utf-8")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front == {"language": ["en", "zh"], "library_name": "transformers", "pipeline_tag": "text-generation",
                     "tags": ["information-extraction", "iepile", "ner"]}, "a folder is no base model of the hub"
    digest = sha256((run / "train.json").read_bytes()).hexdigest()
    assert f"| train_file | train.json | 3 | NER 3 | en 2, zh 1 | `{digest}` |" in text
    assert "| `lora_r` | 4 |" in text and "| `learning_rate` | 0.001 |" in text and "`bf16`" not in text
    assert "| NER | entity | 80.00 | 50.00 | 61.54 | 8 | 10 | 16 |" in text
    assert "Protocol `iepile-normal/1`, predictions `pred.json`" in text
    assert r"`<\|im_end\|>`, `</s>`" in text and "You are a helpful assistant." in text
    assert "| tuning | LoRA, merged into the weights |" in text
    pytest.importorskip("gguf", reason="needs the library gguf")
    export(ExportConfig(str(run), str(tmp_path / "gguf"), format="gguf", scores=str(tmp_path / "scores.json")))
    for file in (*(tmp_path / "out").iterdir(), *(tmp_path / "gguf").iterdir()):
        assert not any(str(place).encode() in file.read_bytes() for place in (tmp_path, run, base)), "no paths"


def test_what_is_unknown_is_said_to_be(base: Path, run: Path, tmp_path: Path) -> None:
    export(ExportConfig(str(base), str(tmp_path / "plain")))
    text = (tmp_path / "plain" / "README.md").read_text("utf-8")
    assert text.count("Unknown: no run of iepile lies beside the model.") == 2 and "Unknown: none were given." in text
    assert "language:" not in text and "base_model:" not in text and "| tuning | unknown |" in text
    rows = (run / "train.json").read_text("utf-8")
    try:
        (run / "train.json").write_text(rows + rows, "utf-8")
        export(ExportConfig(str(run), str(tmp_path / "changed")))
    finally:
        (run / "train.json").write_text(rows, "utf-8")
    text = (tmp_path / "changed" / "README.md").read_text("utf-8")
    assert "| train_file | train.json | unknown | unknown | unknown |" in text


def test_a_model_of_the_hub_is_named(base: Path, tmp_path: Path) -> None:
    loaded = load_model(base)
    folder = save(tmp_path / "m", loaded.model, loaded.tokenizer)
    write_card(folder, ModelCard(template="qwen", base_model="Qwen/Qwen2-0.5B"))
    export(ExportConfig(str(folder), str(tmp_path / "out")))
    text = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "base_model: Qwen/Qwen2-0.5B\nbase_model_relation: finetune" in text


def test_damaged_run_and_scores(base: Path, run: Path, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("[]", "utf-8")
    with pytest.raises(InputError, match="not a report"):
        export(ExportConfig(str(run), str(tmp_path / "o"), scores=str(tmp_path / "s.json")))
    made = adapter(tmp_path / "run", base)
    (made / "run.json").write_text("{", "utf-8")
    with pytest.raises(InputError, match="is damaged"):
        export(ExportConfig(str(made), str(tmp_path / "o")))
    assert not (tmp_path / "o").exists()


class Api:
    """The hub's client at its boundary; keeps what it is told."""

    calls: list[tuple[str, dict[str, Any]]]

    def create_repo(self, repo_id: str, **more: Any) -> str:
        self.calls.append(("create", {"repo_id": repo_id, **more}))
        return f"https://hub.example/{repo_id}"

    def upload_folder(self, **more: Any) -> None:
        self.calls.append(("upload", {**more, "files": sorted(p.name for p in Path(more["folder_path"]).iterdir())}))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    import huggingface_hub

    calls: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(Api, "calls", calls, raising=False)
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    return calls


def test_nothing_is_sent_unless_asked(hub: list[Any], run: Path, tmp_path: Path) -> None:
    export(ExportConfig(str(run), str(tmp_path / "out"), format="adapter"))
    export(ExportConfig(str(run), str(tmp_path / "public"), format="adapter", public=True))
    assert hub == []


@pytest.mark.parametrize("public", [False, True])
def test_push(hub: list[Any], run: Path, tmp_path: Path, public: bool) -> None:
    result = export(ExportConfig(str(run), str(tmp_path / "out"), push_to_hub="me/tiny", public=public))
    assert result.repository == "https://hub.example/me/tiny"
    assert [c for c, _ in hub] == ["create", "upload"]
    assert hub[0][1] == {"repo_id": "me/tiny", "private": not public, "exist_ok": True}
    assert hub[1][1]["repo_id"] == "me/tiny" and hub[1][1]["files"] == sorted(result.files)


@pytest.mark.parametrize(("settings", "said"), [
    ({"model_name_or_path": " "}, "empty"), ({"format": "pickle"}, "'pickle'"), ({"dtype": "int4"}, "'int4'"),
    ({"dtype": "q8_0"}, "GGUF"), ({"max_shard_size": "many"}, "10GB"), ({"push_to_hub": "nobody"}, "organisation"),
])
def test_settings_that_make_no_sense(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ExportConfig(**{"model_name_or_path": "m", "export_dir": "e", **settings})


def test_an_adapter_of_a_folder_is_not_pushed(hub: list[Any], run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which nobody else has"):
        export(ExportConfig(str(run), str(tmp_path / "out"), format="adapter", push_to_hub="me/tiny"))
    assert hub == [] and not (tmp_path / "out").exists()


def test_the_card_of_a_compact_model(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the library onnx")
    from compact_toy import PERSON
    from iepile.models.compact.config import CompactConfig
    from iepile.models.compact.model import CompactModel, build

    small = CompactConfig(buckets=64, label_buckets=64, embedding_size=8)
    CompactModel(build(small).eval(), [PERSON]).save(tmp_path / "model")
    result = export(ExportConfig(str(tmp_path / "model"), str(tmp_path / "out"), format="onnx"))
    assert any(f.endswith(".onnx") for f in result.files) and result.dtype == "float32"
    text = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "| base model | none |" in text and "| tuning | trained from scratch |" in text and "## Prompt" not in text
