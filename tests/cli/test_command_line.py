"""What every verb has in common: exit codes, flags, --config, --json, retired flags, nearest names."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from iepile import __version__
from iepile.cli.main import VERBS

Cli = Callable[..., tuple[int, str, str]]
CONVERT = ("convert", "--src_path", "docs.jsonl", "--schema_path", "schema.json", "--tgt_path", "out.json")


def rows(path: str = "out.json") -> list[dict[str, str]]:
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]


def asked(path: str = "out.json") -> list[list[str]]:
    return [json.loads(r["instruction"])["schema"] for r in rows(path)]


def test_help_names_every_verb(cli: Cli) -> None:
    for argv in ([], ["--help"], ["-h"], ["help"]):
        code, out, _ = cli(*argv)
        assert code == 0
        assert all(f"\n  {verb} " in out for verb in VERBS)


def test_help_starts_quickly() -> None:
    fastest = 9.0
    for _ in range(5):
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "iepile", "--help"], capture_output=True, check=True)
        fastest = min(fastest, time.perf_counter() - began)
        assert b"quickstart" in done.stdout
    assert fastest < 1.0  # 0.05 s on a free machine


def test_version(cli: Cli) -> None:
    assert cli("--version") == (0, f"iepile {__version__}\n", "")


@pytest.mark.parametrize("verb", [v for v, (module, _) in VERBS.items() if module != "lists"])
def test_every_verb_has_help(cli: Cli, verb: str) -> None:
    code, out, _ = cli(verb, "--help")
    assert code == 0
    assert f"iepile {verb}" in out and "--" in out


@pytest.mark.parametrize(("verb", "says"), [("formats", "bmes"), ("tasks", "NER"), ("engines", "compact"),
                                            ("templates", "llama2_zh"), ("models", "chatglm")])
def test_lists(cli: Cli, verb: str, says: str) -> None:
    code, out, _ = cli(verb)
    assert code == 0 and says in out


def test_an_unknown_verb_gets_the_nearest_name(cli: Cli) -> None:
    code, _, err = cli("evalute")
    assert code == 2 and "'evalute'" in err and "did you mean evaluate?" in err
    assert cli("xyzzy")[0] == 2


def test_an_unknown_flag_gets_the_nearest_name(cli: Cli, here: Path) -> None:
    code, _, err = cli(*CONVERT, "--splitnum", "3")
    assert code == 2 and "--splitnum" in err and "--split-num" in err
    assert not Path("out.json").exists()


def test_a_missing_flag_is_named(cli: Cli, here: Path) -> None:
    code, _, err = cli("convert", "--src_path", "docs.jsonl", "--schema_path", "schema.json")
    assert code == 2 and "--tgt-path" in err


def test_a_value_of_the_wrong_type(cli: Cli, here: Path) -> None:
    code, _, err = cli(*CONVERT, "--split_num", "six")
    assert code == 2 and "six" in err and "split-num" in err.lower()


def test_an_argument_too_many(cli: Cli, here: Path) -> None:
    code, _, err = cli(*CONVERT, "more")
    assert code == 2 and "more" in err


@pytest.mark.parametrize("form", [("--split_num", "2"), ("--split-num", "2"), ("--split_num=2",), ("--split-num=2",)])
def test_underscore_dash_and_equals(cli: Cli, here: Path, form: tuple[str, ...]) -> None:
    code, out, err = cli(*CONVERT, *form, "--split", "test")
    assert (code, err) == (0, "")
    assert "rows" in out
    assert [len(a) for a in asked()[:2]] == [2, 1]


def test_values_keep_their_underscores(cli: Cli, here: Path) -> None:
    Path("docs.jsonl").rename("my_docs.jsonl")
    assert cli("convert", "--src_path=my_docs.jsonl", "--schema_path=schema.json", "--tgt_path=out_put.json")[0] == 0
    assert Path("out_put.json").is_file()


def test_config_file_and_its_order(cli: Cli, here: Path) -> None:
    Path("c.yaml").write_text("src_path: docs.jsonl\nschema-path: schema.json\ntgt_path: out.json\n"
                              "split: test\nsplit_num: 1\n", "utf-8")
    assert cli("convert", "--config", "c.yaml")[0] == 0
    assert asked()[:3] == [["人物"], ["地点"], ["机构"]]
    assert cli("convert", "--config=c.yaml", "--split_num", "-1")[0] == 0
    assert asked()[0] == ["人物", "地点", "机构"]


@pytest.mark.parametrize(("text", "says"), [
    ("src_pth: docs.jsonl\n", "did you mean src-path?"), ("xyzzy: 1\n", "'xyzzy'"), ("- a\n", "not a mapping"),
    ("a: [\n", "not YAML"), ("split_num: six\n", "six"),
])
def test_a_bad_config_file(cli: Cli, here: Path, text: str, says: str) -> None:
    Path("c.yaml").write_text(text, "utf-8")
    code, _, err = cli(*CONVERT, "--config", "c.yaml")
    assert code == 2 and says in err
    assert not Path("out.json").exists()


def test_no_config_file(cli: Cli, here: Path) -> None:
    code, _, err = cli(*CONVERT, "--config", "nowhere.yaml")
    assert code == 2 and "nowhere.yaml" in err
    assert cli(*CONVERT, "--config")[0] == 2


def test_json_output_parses(cli: Cli, here: Path, compact_model: Path) -> None:
    model = str(compact_model)
    commands = [
        ("generate", "--n", "3", "--tgt_path", "g.jsonl", "--schema_path", "g.json"),
        ("import", "docs.jsonl", "i.jsonl"),
        ("validate", "docs.jsonl"),
        (*CONVERT, "--split", "test"),
        ("predict", "--input_file", "out.json", "--output_file", "p.json", "--model", model),
        ("evaluate", "--path1", "p.json"),
        ("kg", "--input_file", "docs.jsonl", "--output_file", "k.jsonl"),
        ("extract", "--model", model, "--schema_path", "schema.json", "--task", "NER", "--text", "青麦食品在临溪镇。"),
    ]
    for argv in commands:
        code, out, err = cli(*argv, "--json")
        assert (code, err) == (0, ""), argv
        assert out.count("\n") == 1 and isinstance(json.loads(out), dict), argv


def test_positional_arguments_are_flags_too(cli: Cli, here: Path) -> None:
    assert cli("import", "docs.jsonl", "i.jsonl")[0] == 0
    assert cli("import", "--src_path", "docs.jsonl", "--tgt_path", "j.jsonl")[0] == 0
    assert Path("i.jsonl").read_bytes() == Path("j.jsonl").read_bytes()
    assert cli("validate", "docs.jsonl", "--schema_path", "schema.json")[0] != 2


def test_retired_flags_warn_once_and_go_on(cli: Cli, here: Path) -> None:
    assert cli(*CONVERT, "--positions")[0] == 0
    code, out, err = cli("train", "--do_train", "--stage", "sft", "--local_rank=0", "--train_file", "out.json",
                         "--output_dir", "run", "--max_steps", "1", "--threads", "1")
    assert code == 0 and "run/model" in out
    warnings = [line for line in err.splitlines() if line.startswith("warning:")]
    assert [w.split()[1] for w in warnings] == ["--do_train", "--stage", "--local_rank"]
    assert all("no effect here: " in w for w in warnings)


def test_validate_fails_on_bad_records(cli: Cli, here: Path) -> None:
    Path("bad.jsonl").write_text('{"text": "a"}\n{"txt": "b"}\n{"text": 3}\n', "utf-8")
    code, _, err = cli("validate", "bad.jsonl")
    assert code == 1
    assert "2 of 3" in err and "bad.jsonl:2" in err and "bad.jsonl:3" in err


def test_a_flag_that_is_on_can_be_turned_off(cli: Cli, here: Path) -> None:
    assert cli("kg", "--input_file", "docs.jsonl", "--output_file", "with.jsonl")[0] == 0
    assert cli("kg", "--input_file", "docs.jsonl", "--output_file", "without.jsonl", "--snippets=false")[0] == 0
    assert "snippet" in rows("with.jsonl")[0] and "snippet" not in rows("without.jsonl")[0]
