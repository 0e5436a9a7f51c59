"""docs/*/migration.md: each flag it names is given to the verb, and every command of the guides is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iepile.cli.main import main

ROOT = Path(__file__).parents[2]
STATES = {"same": "相同", "renamed": "改名", "no effect": "无效", "refused": "拒绝"}
PROGRAM = re.compile(r"[\w./]+\.(?:py|bash)\b")
SWITCHES = {
    "cluster_mode", "random_sort", "overwrite_output_dir", "double_quant", "trust_remote_code", "resume_lora_training",
    "train_on_prompt", "upcast_layernorm", "bf16", "fp16", "gradient_checkpointing", "load_best_model_at_end",
    "plot_loss", "prefix_projection",
}
OLDER = {  # in its place, what a verb needs is given
    ("train", "train_path"): "train_file", ("train", "model_dir"): "model_name_or_path",
    ("predict", "test_path"): "input_file", ("predict", "ori_model_dir"): "model_name_or_path",
}
NEEDED = {  # what a verb asks for before it looks at anything else
    "train": {"model_name_or_path": "nowhere", "train_file": "nowhere.json", "output_dir": "out"},
    "convert": {"src_path": "nowhere.json", "tgt_path": "out.json", "schema_path": "schema.json"},
    "export": {"model_name_or_path": "nowhere", "export_dir": "out"},
    "predict": {"input_file": "nowhere.json", "output_file": "out.json", "model_name_or_path": "nowhere"},
    "evaluate": {"path1": "nowhere.json"},
    "kg ccks2023": {"pred_path": "nowhere.json", "tgt_path": "out.json"},
}


def flags(language: str) -> list[tuple[str, str, str, str]]:
    """(program, verb, flag, state) of every flag in the tables of a page."""
    page = (ROOT / f"docs/{language}/migration.md").read_text("utf-8")
    out = []
    for title, text in re.findall(r"^### (.*?)\n(.*?)(?=^##|\Z)", page, re.M | re.S):
        program, verb = title.split(": ")
        for cells, state in re.findall(r"^\| (`--.*?) \| ([^|]+) \|", text, re.M):
            out += [(program, verb, flag, state) for flag in re.findall(r"`--(\w+)`", cells)]
    return out


def test_both_languages_name_the_same_flags() -> None:
    english, chinese = flags("en"), flags("zh")
    assert len(english) > 150
    assert {state for *_, state in english} == set(STATES)
    assert [(verb, flag, STATES[state]) for _, verb, flag, state in english] == [
        (verb, flag, state) for _, verb, flag, state in chinese]


@pytest.mark.parametrize("verb", NEEDED)
def test_the_flags_are_what_the_page_says(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    listed = [(flag, state) for _, v, flag, state in flags("en") if v == verb]
    assert listed
    for flag, state in listed:
        code, said = _give(verb, flag, capsys)
        unknown, idle = "Unknown option" in said, f"--{flag} has no effect here" in said
        assert (unknown, idle) == (state == "refused", state == "no effect"), (flag, state, said)
        if state in ("same", "renamed"):
            assert code == 2 and "Unused Tokens" not in said, (flag, said)


def _give(verb: str, flag: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The verb with this flag; its input is nowhere, so that nothing is done."""
    given = OLDER.get((verb, flag), flag)
    needed = {k: v for k, v in NEEDED[verb].items() if k != given}
    argv = [*verb.split(), f"--{flag}", *([] if flag in SWITCHES else ["1"])]
    for name, value in needed.items():
        argv += [f"--{name}", value]
    code = main(argv)
    return code, capsys.readouterr().err


def test_renamed_flags_name_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/en/migration.md").read_text("utf-8")
    for title, text in re.findall(r"^### (.*?)\n(.*?)(?=^##|\Z)", page, re.M | re.S):
        verb = title.split(": ")[1]
        for new in re.findall(r"\| renamed \| `--(\w+)`", text):
            assert "Unknown option" not in _give(verb, new, capsys)[1], new


def _guides(shared: Path) -> str:
    return "\n".join(p.read_text("utf-8") for p in sorted((shared / "guides").glob("*.md")))


def _commands(guides: str) -> list[tuple[str, list[str]]]:
    """(program, flags) of each command of the guides."""
    out = []
    for block in re.findall(r"```bash\n(.*?)```", guides, re.S):
        for line in re.sub(r"\\\s*\n", " ", block).splitlines():
            program = PROGRAM.search(line)
            if program is not None and "--" in line[program.end():]:
                out.append((program[0], re.findall(r"--(\w+)", line[program.end():])))
    return out


def test_every_command_of_the_guides_is_in_the_tables(shared: Path) -> None:
    page = (ROOT / "docs/en/migration.md").read_text("utf-8")
    table = page.split("## Commands")[1].split("\n## ")[0]
    found = _commands(_guides(shared))
    assert len(found) >= 15
    known: dict[str, set[str]] = {}
    for programs, _, flag, _ in flags("en"):
        for program in PROGRAM.findall(programs):
            known.setdefault(Path(program).name, set()).add(flag)
    for program, given in found:
        assert program in table, program
        name = Path(program).name
        listed = known[name] | (known["finetune.py"] if "finetune" in name else set())
        assert set(given) <= listed, (program, set(given) - listed)


def test_every_flag_of_the_converter_is_listed(shared: Path) -> None:
    facts = (shared / "formats.md").read_text("utf-8")
    section = facts.split("### 2.1 Flags")[1].split("###")[0]
    named = set(re.findall(r"^\| `--(\w+)`", section, re.M))
    assert named and named <= {flag for program, _, flag, _ in flags("en") if program == "convert_func.py"}


