"""The Modelfile's template, filled in as Ollama fills it in, is the prompt of training."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from export_toys import QUESTION, byte_pairs, save, sentence_pieces, tiny
from iepile.errors import InputError
from iepile.models.chat import Chat
from iepile.training.export.config import ExportConfig
from iepile.training.export.export import export
from iepile.training.export.modelfile import go_template, modelfile
from iepile.training.export.pieces import Piece, same_tokens, with_and_without_system


def fill(template: str, system: str, prompt: str) -> str:
    """Go's template language, as far as a Modelfile of ours uses it."""
    asked = template.removesuffix("{{ .Response }}")
    found = re.fullmatch(r"\{\{ if \.System \}\}(.*)\{\{ else \}\}(.*)\{\{ end \}\}", asked, re.S)
    chosen = found[1 if system else 2] if found else asked
    said = {"{{ .System }}": system, "{{ .Prompt }}": prompt, '{{ "{{" }}': "{{"}
    return re.sub(r"\{\{ .*? \}\}", lambda m: said[m[0]], chosen)


TOKENIZERS = {"bytes": byte_pairs(), "pieces": sentence_pieces()}
PLAIN = ["alpaca", "default", "llama2", "llama2_zh", "mistral", "vanilla", "vicuna", "belle", "falcon", "xverse"]
BORDERS = {"alpaca", "default", "mistral", "vicuna", "belle", "falcon", "xverse"}
"""Their pieces are encoded apart where there is a system sentence."""


@pytest.mark.parametrize("system", ["", "Be exact. {{ 请回答 }}"])
@pytest.mark.parametrize(("kind", "name"), [("bytes", "qwen"), ("bytes", "llama3"), *(("bytes", n) for n in PLAIN),
                                            *(("pieces", n) for n in PLAIN)])
def test_the_prompt_of_training(kind: str, name: str, system: str) -> None:
    tokenizer = TOKENIZERS[kind]
    chat = Chat(tokenizer, name, system)
    text = fill(go_template(*with_and_without_system(chat)), system, QUESTION)
    bos = [tokenizer.bos_token_id] if tokenizer.bos_token_id is not None else []
    theirs, ours = bos + tokenizer.encode(text, add_special_tokens=False), chat.prompt_ids(QUESTION)
    # A blank at a border is the border where the tokenizer puts one itself.
    if not system or name not in BORDERS or (kind == "pieces" and name != "mistral"):
        assert theirs == ours
    assert tokenizer.decode(theirs).split() == tokenizer.decode(ours).split()
    assert same_tokens(chat, QUESTION) == (theirs == ours)


def test_braces_and_missing_places() -> None:
    pieces = [Piece("text", "{{ .Prompt }} {{"), Piece("query")]
    assert fill(go_template(pieces, None), "", "Q") == "{{ .Prompt }} {{Q"


def test_the_whole_file() -> None:
    text = modelfile("model.gguf", "T", "S", ["</s>", "<|im_end|>"], 2048)
    assert text.splitlines() == [
        "FROM ./model.gguf", 'TEMPLATE """T"""', 'SYSTEM """S"""',
        "# Greedy, without a penalty for repeats: an answer repeats its labels and names.",
        "PARAMETER temperature 0", "PARAMETER repeat_penalty 1", "PARAMETER num_ctx 2048", 'PARAMETER stop "</s>"',
        'PARAMETER stop "<|im_end|>"']
    assert "num_ctx 4096" in modelfile("m", "T", "", [], None) and "SYSTEM" not in modelfile("m", "T", "", [], None)
    for bad in ('a """ b', 'ends"'):
        with pytest.raises(InputError, match="quotation mark"):
            modelfile("m", "T", bad, [], None)


def test_beside_the_model(tmp_path: Path) -> None:
    pytest.importorskip("gguf", reason="needs the library gguf")
    tokenizer = byte_pairs()
    base = save(tmp_path / "base", tiny("qwen3", tokenizer), tokenizer, "qwen")
    result = export(ExportConfig(str(base), str(tmp_path / "out"), format="gguf", dtype="q8_0"))
    text = (tmp_path / "out" / "Modelfile").read_text("utf-8")
    assert text.startswith("FROM ./model-q8_0.gguf\n") and "model-q8_0.gguf" in result.files
    assert 'SYSTEM """You are a helpful assistant."""' in text
    assert 'PARAMETER stop "<|im_end|>"' in text and 'PARAMETER stop "</s>"' in text
    template = text.split('"""')[1]
    asked = fill(template, "You are a helpful assistant.", QUESTION)
    assert asked == ("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
                     f"{QUESTION}<|im_end|>\n<|im_start|>assistant\n")


def test_a_tokenizers_own_template(tmp_path: Path) -> None:
    tokenizer = byte_pairs()
    tokenizer.chat_template = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
                               "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
    plain, asking = with_and_without_system(Chat(tokenizer))
    template = go_template(plain, asking)
    assert fill(template, "", "Q") == "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n"
    assert fill(template, "S", "Q") == ("<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n"
                                        "<|im_start|>assistant\n")
