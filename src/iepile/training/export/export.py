"""Write a trained model as others run it: one model, an adapter, GGUF with a Modelfile, or ONNX; always with a card.

>>> export(ExportConfig("runs/resume", "out", format="gguf"))  # doctest: +SKIP

The folder appears when it is complete. Nothing leaves this machine unless `push_to_hub` names a repository.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.jsonl import check_folder, dumps
from iepile.models.adapters import ADAPTER_FILE
from iepile.models.card import ModelCard, write_card
from iepile.models.chat import Chat
from iepile.models.serving import PROBES
from iepile.models.weights import read_header
from iepile.training.checkpoint import write_folder
from iepile.training.export.config import ExportConfig
from iepile.training.export.merged import hub_name, load_merged, told, tuning_of, whole_card, write_merged
from iepile.training.export.model_card import Facts, write_model_card
from iepile.training.export.onnx import compact_folder, write_onnx
from iepile.training.export.pieces import jinja_template, same_tokens, with_and_without_system
from iepile.training.export.provenance import read_run, read_scores
from iepile.version import __version__

logger = logging.getLogger(__name__)

STAMP = "export.json"
"""Written into every export: what it was made of. Only a folder that has it is ever replaced."""


class ExportResult(msgspec.Struct):
    """What an export gave."""

    export_dir: str
    format: str
    dtype: str
    """Number format of the weights."""
    template: str
    """Chat template."""
    same_tokens: bool
    """Whether a server that follows the exported chat template asks with the tokens of training."""
    files: list[str]
    bytes: int
    repository: str = ""
    """Where it was uploaded to; empty: nowhere."""


class _Made(msgspec.Struct):
    """What a writer says of what it wrote."""

    card: ModelCard
    dtype: str
    tuning: str
    chat: Any = None
    same: bool = True


def export(config: ExportConfig) -> ExportResult:
    """Export a model.

    Raises:
        InputError: no such model, a form it cannot be written in, or an `export_dir` that holds something else.
    """
    target = Path(config.export_dir)
    _check_place(target, config.overwrite)
    scores = read_scores(config.scores) if config.scores else None
    run = None if config.format == "onnx" else read_run((config.model_name_or_path, *config.adapters)[-1])
    writers: dict[str, Callable[[Path, ExportConfig], _Made]] = {
        "merged": _merged, "adapter": _adapter, "gguf": _gguf, "onnx": _onnx}
    if config.format != "onnx":
        _check_kind(config)
    made: list[_Made] = []

    def fill(folder: Path) -> None:
        done = writers[config.format](folder, config)
        made.append(done)
        chat: Chat | None = done.chat
        stops = _stops(chat) if chat else ()
        notes = () if done.same else (
            "The model was trained with some pieces of the prompt encoded apart. A server that encodes the prompt as "
            "one text gives it other tokens at their borders; iepile itself asks as in training.",)
        write_model_card(folder, Facts(target.resolve().name, config.format, done.card, run, scores,
                                       chat.template.system if chat else "", stops, done.dtype, done.tuning,
                                       notes))
        about = {"format": 1, "version": __version__, "form": config.format, "dtype": done.dtype,
                 "base_model": told(done.card.base_model), "template": done.card.template}
        (folder / STAMP).write_text(dumps(about) + "\n", "utf-8")

    try:
        write_folder(target, fill)
    except BaseException:
        shutil.rmtree(target.with_name(f".{target.name}.partial"), ignore_errors=True)
        raise
    files = sorted(f for f in target.rglob("*") if f.is_file())
    (done,) = made
    result = ExportResult(str(target), config.format, done.dtype, done.card.template, done.same,
                          [str(f.relative_to(target)) for f in files], sum(f.stat().st_size for f in files))
    if config.push_to_hub:
        from iepile.training.export.hub import push

        result.repository = push(target, config.push_to_hub, config.public)
    return result


def _check_place(target: Path, overwrite: bool) -> None:
    if target.exists() and not target.is_dir():
        raise InputError("is a file", file=target, field="export_dir", expected="a folder")
    if target.is_dir() and any(target.iterdir()):
        if not (target / STAMP).is_file():
            raise InputError("the folder is not empty, and no export of ours", file=target, field="export_dir",
                             fix="choose another folder")
        if not overwrite:
            raise InputError("the folder holds an export", file=target, field="export_dir",
                             fix="choose another folder, or set overwrite")
    check_folder(target.parent)


def _check_kind(config: ExportConfig) -> None:
    if folder := compact_folder(config.model_name_or_path):
        raise InputError("the folder holds a compact model", file=folder, field="format", expected="onnx",
                         fix="other programs run it as ONNX; iepile itself takes the folder as it is")


def _merged(folder: Path, config: ExportConfig) -> _Made:

    loaded = load_merged(config)
    chat = loaded.chat(config.template)
    served = write_merged(folder, loaded, chat, config)
    dtype = str(next(loaded.model.parameters()).dtype).removeprefix("torch.")
    return _Made(whole_card(loaded, chat), dtype, tuning_of(loaded), chat, served)


def _adapter(folder: Path, config: ExportConfig) -> _Made:
    from iepile.training.export.adapter import find_adapter, write_adapter

    adapter = find_adapter(config)
    if config.push_to_hub and not hub_name(adapter.base):
        raise InputError("the base model is a folder of this machine, which nobody else has", file=adapter.base,
                         field="push_to_hub", fix="name the base model's hub name as model_name_or_path and the "
                         "adapter as checkpoint_dir, or export it as merged")
    served = write_adapter(folder, adapter, config.dtype)
    dtype = sorted({kind for kind, _ in read_header(folder / ADAPTER_FILE).values()})
    return _Made(adapter.card, ", ".join(dtype), adapter.card.finetuning_type, adapter.chat, served)


def _gguf(folder: Path, config: ExportConfig) -> _Made:
    from iepile.training.export.gguf import write_gguf
    from iepile.training.export.modelfile import go_template, modelfile

    loaded = load_merged(config)
    chat = loaded.chat(config.template)
    dtype = "fp16" if config.dtype == "auto" else config.dtype
    file = f"model-{dtype}.gguf"
    card = whole_card(loaded, chat)
    name = Path(card.base_model or loaded.name).name
    write_gguf(folder / file, loaded.model, chat, dtype, name, jinja_template(chat))
    template = go_template(*with_and_without_system(chat))
    text = modelfile(file, template, chat.template.system, _stops(chat), loaded.context)
    (folder / "Modelfile").write_text(text, "utf-8")
    write_card(folder, card)
    same = all(same_tokens(chat, q) for q in PROBES)
    if not same:
        logger.warning("%s: llama.cpp and Ollama encode the prompt as one text, which gives other tokens than template "
                       "%s had in training, at the borders of its pieces", folder, chat.name)
    return _Made(card, dtype, tuning_of(loaded), chat, same)


def _stops(chat: Chat) -> tuple[str, ...]:
    return tuple(map(str, chat.tokenizer.convert_ids_to_tokens(list(chat.stop_ids))))


def _onnx(folder: Path, config: ExportConfig) -> _Made:
    encoder = write_onnx(folder, config.model_name_or_path)
    tuning = "trained on this encoder" if encoder else "trained from scratch"
    return _Made(ModelCard(kind="compact", base_model=encoder, version=__version__), "float32", tuning)
