"""Every training and prediction command of both guides runs as it stands, with a tiny model where it names a large one.

The guides themselves are read. A command is changed in three ways only: its program becomes a verb, folders that only
an owner of the machine may make (`/model`) lie in the test's folder, and what a shell does (`| tee`) is left out.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
from iepile.models.template import read_template
from tiny_models import byte_level_tokenizer, make_model

Cli = Callable[..., tuple[int, str, str]]
PROGRAMS = {"finetune.py": ["train"], "test_finetune.py": ["train"], "inference.py": ["predict"],
            "finetuning_pt.py": ["train", "--finetuning_type", "p_tuning"], "inference_pt.py": ["predict"]}
PLACEHOLDERS = {"/model": "model", "/output_dir_lora/global_step-": "output_dir_pt"}
ROWS = 1010  # the guide sets 1,000 aside
NAMES = ["康有为", "梁启超", "孙中山", "黄遵宪", "林语堂"]


def blocks(guide: str) -> dict[str, list[str]]:
    """Words of each shell block that trains or predicts, or that changes one, by the heading above it."""
    found: dict[str, list[str]] = {}
    heading = ""
    for title, block in re.findall(r"^#+ *([^\n]+)$|^```bash\n(.*?)^```", guide, re.M | re.S):
        heading = title.strip() or heading
        folder = re.search(r"^output_dir='(.*)'$", block, re.M)
        lines = [x for x in block.splitlines() if not x.startswith(("output_dir=", "mkdir", "#"))]
        # The guides have blanks after some of their backslashes (B38): no shell takes them, nor do we.
        joined = re.sub(r"\\\s*(\n|$)", " ", "\n".join(lines)).split("|")[0].split("2>")[0]
        joined = joined.replace("${output_dir}", folder[1].replace(" ", "_") if folder else "")
        words = [PLACEHOLDERS.get(w, w) for w in shlex.split(joined)]
        program = next((n for n, w in enumerate(words) if Path(w).name in PROGRAMS), None)
        key = heading if heading not in found else f"{heading} (2)"
        if program is not None:
            found[key] = [*PROGRAMS[Path(words[program]).name], *words[program + 1 :]]
        elif words and words[0].startswith("--"):  # "change the command above like this"
            found[key] = words
    return found


@pytest.fixture
def kgc(shared: Path) -> dict[str, list[str]]:
    return blocks((shared / "guides" / "instructkgc.md").read_text("utf-8"))


@pytest.fixture
def iepile_guide(shared: Path) -> dict[str, list[str]]:
    return blocks((shared / "guides" / "iepile.md").read_text("utf-8"))


def value(command: list[str], flag: str) -> str:
    for n, word in enumerate(command):
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
        if word == flag:
            return command[n + 1]
    raise AssertionError(f"{flag} is not in the guide's command")


def changed(command: list[str], changes: list[str]) -> list[str]:
    out = list(command)
    for flag, new in zip(changes[::2], changes[1::2], strict=True):
        out[out.index(flag) + 1] = new
    return out


def triples(rows: int) -> str:
    """Rows of the 2023 competition: the instruction in words, the text apart, triples in brackets."""
    lines = []
    for n in range(rows):
        a, b = NAMES[n % 5], NAMES[(n + 1) % 5]
        lines.append(json.dumps({
            "id": n, "instruction": "抽取关系三元组，格式为(头实体,关系,尾实体)。", "input": f"{a}的老师是{b}。",
            "output": f"({a},老师,{b})", "kg": [[a, "老师", b]]}, ensure_ascii=False) + "\n")
    return "".join(lines)


def fluent_tokenizer(template: str) -> Any:
    """A tokenizer that makes as little of a template's long opening as a real one does."""
    parsed = read_template(template)
    opening = parsed.system + "".join(p.text for p in parsed.parts)
    return byte_level_tokenizer([opening] * 3, size=1800)


def place(command: list[str], rows: int = ROWS) -> None:
    """The model and the data that the command names."""
    flag = "--model_dir" if "--model_dir" in command else "--model_name_or_path"
    make_model(Path(value(command, flag)), fluent_tokenizer("moss_2023"), width=16, layers=1)
    data = Path(value(command, "--train_path" if "--train_path" in command else "--train_file"))
    data.parent.mkdir(exist_ok=True)
    data.write_text(triples(rows), "utf-8")


@pytest.mark.parametrize("heading", [f"LoRA微调{m}" for m in ("LLaMA", "Alpaca", "智析", "Vicuna", "ChatGLM", "Moss")])
@pytest.mark.slow
def test_lora_of_the_2023_guide(cli: Cli, here: Path, kgc: dict[str, list[str]], heading: str) -> None:
    command = kgc[heading]
    if command[0] != "train":
        command = changed(kgc["LoRA微调LLaMA"], command)
    place(command)
    code, _, err = cli(*command)
    assert code == 0, err
    folder = Path(value(command, "--output_dir")) / "model"
    settings = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    assert settings["r"] == int(value(command, "--lora_r"))
    # The guide: without a validation file, `val_set_size` rows are set aside.
    log = [json.loads(x) for x in (folder.parent / "train_log.jsonl").read_text("utf-8").splitlines()]
    assert any("valid_loss" in line for line in log)
    if heading == "LoRA微调LLaMA":
        predict = changed(kgc["预测"], ["--lora_weights", str(folder), "--model_name", "llama",
                                      "--model_name_or_path", value(command, "--model_name_or_path")])
        Path("data/valid.json").write_text("".join(
            json.dumps({k: v for k, v in json.loads(x).items() if k in ("id", "instruction", "input")}) + "\n"
            for x in triples(3).splitlines()), "utf-8")
        Path("results").mkdir()
        code, _, err = cli(*predict, "--max_new_tokens", "8")
        assert code == 0, err
        rows = [json.loads(x) for x in Path("results/results_valid.json").read_text("utf-8").splitlines()]
        assert [r["id"] for r in rows] == [0, 1, 2] and all(isinstance(r["output"], str) for r in rows)
        code, _, err = cli("kg", "ccks2023", "--pred_path", "results/results_valid.json", "--tgt_path", "kg.json")
        assert code == 0, err


def test_p_tuning_of_the_2023_guide(cli: Cli, here: Path, kgc: dict[str, list[str]]) -> None:
    command = kgc["P-Tuning微调ChatGLM"]
    assert command[:3] == ["train", "--finetuning_type", "p_tuning"]
    place(command, rows=4)
    code, _, err = cli(*command)
    assert code == 0, err
    settings = json.loads(Path("output_dir_pt/model/adapter_config.json").read_text("utf-8"))
    assert settings["num_virtual_tokens"] == 16 and settings["prefix_projection"] is True
    Path("data/valid.json").write_text(triples(2), "utf-8")
    code, _, err = cli(*kgc["预测 (2)"], "--max_new_tokens", "8")
    assert code == 0, err
    rows = [json.loads(x) for x in Path("output_dir_pt/ft_pt_answer.json").read_text("utf-8").splitlines()]
    assert len(rows) == 2 and all(isinstance(r["output"], str) for r in rows)


def rows_of_iepile(split: str) -> str:
    from iepile.corpus.convert import ConvertConfig, convert

    convert(ConvertConfig(src_path="docs.jsonl", schema_path="schema.json", tgt_path=f"{split}.rows.json", split=split))
    return Path(f"{split}.rows.json").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")  # torch compiles for DeepSpeed
def test_every_model_command_of_the_iepile_guide(cli: Cli, here: Path, iepile_guide: dict[str, list[str]]) -> None:
    """3.3 trains an adapter, 4.2 goes on with it, 4.3.1 and 4.3.2 tune OneKE, 5.2 and 5.3 predict with both."""
    pytest.importorskip("deepspeed")
    for name in ("llama2-13b-chat", "llama2-13B-Chat", "OneKE"):
        make_model(Path("models") / name, fluent_tokenizer("llama2"), width=32, layers=1)
    Path("data/NER").mkdir(parents=True)
    for name in ("data/NER/train.json", "data/NER/dev.json", "data/train.json", "data/dev.json"):
        Path(name).write_text(rows_of_iepile("train"), "utf-8")
    for name in ("data/input.json", "data/NER/test.json"):
        Path(name).write_text(rows_of_iepile("test"), "utf-8")
    Path("results").mkdir()
    first = iepile_guide["3.3LoRA微调"]
    code, _, err = cli(*first)
    assert code == 0, err
    # The published adapters lie where the later sections look for them.
    trained = Path(value(first, "--output_dir")) / "model"
    for name in ("lora/llama2-13b-iepile-lora", "lora/llama2-13b-IEPile-lora"):
        if not Path(name).exists():
            import shutil

            shutil.copytree(trained, name)
    for heading, rank in (("4.2继续训练", 16), ("4.3.1全监督训练", 16), ("4.3.2Lora训练", 64)):
        code, _, err = cli(*iepile_guide[heading])
        assert code == 0, (heading, err)
        folder = Path(value(iepile_guide[heading], "--output_dir")) / "model"
        # 4.2: the adapter's own rank holds, not the command's.
        assert json.loads((folder / "adapter_config.json").read_text("utf-8"))["r"] == rank
    for heading in ("5.2基础模型+Lora预测", "5.3IE专用模型预测"):
        code, _, err = cli(*iepile_guide[heading])
        assert code == 0, (heading, err)
        rows = [json.loads(x) for x in Path(value(iepile_guide[heading], "--output_file")).read_text().splitlines()]
        assert len(rows) == 3 and all(json.loads(r["output"]).keys() == {"人物", "地点", "机构"} for r in rows)
