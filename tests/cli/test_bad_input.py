"""What users get wrong: a clear message, exit code 2 (1 where it is no fault of the input), nothing half-written."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Cli = Callable[..., tuple[int, str, str]]
CONVERT = ("convert", "--src_path", "docs.jsonl", "--schema_path", "schema.json", "--tgt_path", "out.json")


def contents(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder: files with their bytes, folders with None."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


@pytest.fixture
def refused(cli: Cli, here: Path) -> Callable[..., str]:
    """Call a command that must end with a message of ours and leave the folder as it was."""

    def call(*argv: str, code: int = 2) -> str:
        before = contents(here)
        got, out, err = cli(*argv)
        assert got == code, (got, out, err)
        assert err.startswith("error: ") and "Traceback" not in err
        assert contents(here) == before
        return err

    return call


def test_empty_file(refused: Callable[..., str], here: Path, compact_model: Path) -> None:
    Path("empty.json").write_bytes(b"")
    Path("blank.json").write_text("\n \n", "utf-8")
    for file in ("empty.json", "blank.json"):
        for argv in (
            ("convert", "--src_path", file, "--schema_path", "schema.json", "--tgt_path", "out.json"),
            ("convert", "--src_path", "docs.jsonl", "--schema_path", file, "--tgt_path", "out.json"),
            ("predict", "--input_file", file, "--model", str(compact_model), "--output_file", "p.json"),
            ("evaluate", "--path1", file, "--output", "s.json"),
            ("kg", "--input_file", file, "--output_file", "k.jsonl"),
            ("validate", file),
            ("import", file, "i.jsonl", "--format", "unified"),
        ):
            err = refused(*argv)
            assert file in err and "empty" in err, argv


def test_empty_training_file(cli: Cli, here: Path) -> None:
    Path("empty.json").write_bytes(b"")
    code, _, err = cli("train", "--train_file", "empty.json", "--output_dir", "run")
    assert code == 2 and "empty.json" in err and "empty" in err
    assert not any(Path("run").rglob("*"))


def test_missing_file(refused: Callable[..., str]) -> None:
    err = refused("convert", "--src_path", "no.json", "--schema_path", "schema.json", "--tgt_path", "out.json")
    assert "no.json" in err and "no such file" in err
    assert "no.json" in refused("convert", "--src_path", "docs.jsonl", "--schema_path", "no.json",
                                "--tgt_path", "out.json")


def test_wrong_task_for_the_file(refused: Callable[..., str]) -> None:
    Path("re.json").write_text('[]\n["出生地"]\n{}\n', "utf-8")
    err = refused("convert", "--task", "RE", "--src_path", "docs.jsonl", "--schema_path", "re.json",
                  "--tgt_path", "out.json")
    assert "docs.jsonl:1" in err and "RE" in err and "relation" in err and "--task" in err


def test_wrong_task_for_the_schema(refused: Callable[..., str]) -> None:
    err = refused(*CONVERT, "--task", "RE")
    assert "schema.json" in err and "nothing that RE can ask" in err


@pytest.mark.parametrize("task", ["MRC", "NRE", ""])
def test_unknown_task(refused: Callable[..., str], task: str) -> None:
    err = refused(*CONVERT, f"--task={task}")
    assert "unknown task" in err and "NER" in err


def test_label_not_in_the_schema(refused: Callable[..., str]) -> None:
    Path("schema.json").write_text('["地点", "机构"]\n[]\n{}\n', "utf-8")
    err = refused(*CONVERT)
    assert "docs.jsonl:1" in err and "'人物'" in err and "地点" in err


def test_record_without_text(refused: Callable[..., str]) -> None:
    with Path("docs.jsonl").open("a", encoding="utf-8") as f:
        f.write('{"sentence": "谁？", "entity": []}\n')
    err = refused(*CONVERT)
    assert "docs.jsonl:4" in err and "`text`" in err and "rename `sentence`" in err


def test_broken_line(refused: Callable[..., str]) -> None:
    with Path("docs.jsonl").open("a", encoding="utf-8") as f:
        f.write('{"text": "谁？", "entity"\n')
    assert "docs.jsonl:4" in refused(*CONVERT)


def test_other_encoding(refused: Callable[..., str]) -> None:
    Path("docs.jsonl").write_bytes('{"text": "谁？"}\n'.encode("gb18030"))
    err = refused(*CONVERT)
    assert "not UTF-8" in err and "GB18030" in err


def test_wrong_position(refused: Callable[..., str]) -> None:
    Path("docs.jsonl").write_text(json.dumps(
        {"text": "沈望舒在这里。", "entity": [{"entity": "沈望舒", "entity_type": "人物", "pos": [0, 2]}]}), "utf-8")
    err = refused(*CONVERT)
    assert "docs.jsonl:1" in err and "[0, 3]" in err and "exclusive" in err


def test_two_line_schema(refused: Callable[..., str]) -> None:
    Path("schema.json").write_text('["人物", "地点"]\n[]\n', "utf-8")
    err = refused(*CONVERT)
    assert "schema.json" in err and "three lines" in err


def test_model_folder_without_tokenizer(refused: Callable[..., str], cli: Cli) -> None:
    model = Path("model")
    model.mkdir()
    (model / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}', "utf-8")
    row = {"task": "NER", "instruction": json.dumps({"instruction": "Find.", "schema": ["人物"], "input": "无。"})}
    Path("test.json").write_text(json.dumps(row) + "\n", "utf-8")
    Path("train.json").write_text(json.dumps({**row, "output": '{"人物": []}'}) + "\n", "utf-8")
    err = refused("extract", "--model", "model", "--schema_path", "schema.json", "--text", "无。")
    assert "model" in err and "tokenizer" in err and "do:" in err
    code, _, err = cli("predict", "--model", "model", "--input_file", "test.json", "--output_file", "p.json")
    assert code == 2 and "tokenizer" in err and "do:" in err
    assert not Path("p.json").exists()


def test_training_with_a_model_folder_without_tokenizer(cli: Cli, here: Path) -> None:
    Path("model").mkdir()
    Path("model/config.json").write_text('{"model_type": "llama"}', "utf-8")
    Path("train.json").write_text('{"instruction": "a", "output": "b"}\n', "utf-8")
    code, _, err = cli("train", "--model_name_or_path", "model", "--train_file", "train.json", "--output_dir", "run")
    assert code == 2 and "tokenizer" in err
    assert not [p for p in Path("run").rglob("*") if p.is_file()]


def test_a_folder_that_is_no_model(refused: Callable[..., str]) -> None:
    Path("model").mkdir()
    err = refused("extract", "--model", "model", "--schema_path", "schema.json", "--text", "无。")
    assert "model" in err and "do:" in err
    err = refused("extract", "--model", "./nowhere", "--schema_path", "schema.json", "--text", "无。")
    assert "nowhere" in err


def test_test_rows_for_training(cli: Cli, here: Path) -> None:
    assert cli(*CONVERT, "--split", "test")[0] == 0
    code, _, err = cli("train", "--train_file", "out.json", "--output_dir", "run")
    assert code == 2 and "out.json:1" in err and "--split train" in err
    assert not any(Path("run").rglob("*"))


def test_unwritable_target(refused: Callable[..., str], compact_model: Path) -> None:
    Path("file").write_text("in the way", "utf-8")
    Path("folder").mkdir()
    Path("test.json").write_text(json.dumps(
        {"task": "NER", "instruction": json.dumps({"instruction": "Find.", "schema": ["人物"], "input": "无。"})}))
    for target, says in (("file/out.jsonl", "cannot be written"), ("folder", "is a folder")):
        for argv in (
            ("convert", "--src_path", "docs.jsonl", "--schema_path", "schema.json", "--tgt_path", target),
            ("generate", "--n", "2", "--tgt_path", target),
            ("import", "docs.jsonl", target),
            ("predict", "--input_file", "test.json", "--model", str(compact_model), "--output_file", target),
            ("kg", "--input_file", "docs.jsonl", "--output_file", target, "--format", "jsonl"),
        ):
            assert says in refused(*argv), argv
    assert "cannot be written" in refused("train", "--train_file", "test.json", "--output_dir", "file/run")


def test_an_existing_prediction_is_not_replaced_unasked(cli: Cli, here: Path, compact_model: Path) -> None:
    assert cli(*CONVERT, "--split", "test")[0] == 0
    argv = ("predict", "--input_file", "out.json", "--model", str(compact_model), "--output_file", "p.json")
    assert cli(*argv)[0] == 0
    before = contents(here)
    code, _, err = cli(*argv)
    assert code == 2 and "exists already" in err and contents(here) == before
    assert cli(*argv, "--overwrite")[0] == 0


def test_a_device_that_is_always_full(refused: Callable[..., str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    err = refused("convert", "--src_path", "docs.jsonl", "--schema_path", "schema.json", "--tgt_path", "/dev/full",
                  code=1)
    assert "disk is full" in err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a disk of some size, where that is permitted."""
    mounted = tmp_path / "disk"
    mounted.mkdir()

    def mount(size: str) -> Path:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(mounted)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        return mounted

    yield mount
    subprocess.run(["umount", str(mounted)], capture_output=True, check=False)


def test_full_disk_before_the_work(cli: Cli, here: Path, small_disk: Callable[[str], Path]) -> None:
    disk = small_disk("512k")
    code, _, err = cli("generate", "--n", "5", "--tgt_path", f"{disk}/out.jsonl")
    assert code == 2 and "full" in err and contents(disk) == {}


def test_disk_that_fills_up_on_the_way(cli: Cli, here: Path, small_disk: Callable[[str], Path]) -> None:
    disk = small_disk("1500k")
    code, _, err = cli("generate", "--n", "3000", "--tgt_path", f"{disk}/out.jsonl")
    assert code == 1 and "disk is full" in err and "nothing was written" in err
    assert contents(disk) == {}


def test_a_file_that_may_not_grow(here: Path) -> None:
    """Like a full disk, where no small disk can be mounted: the system refuses to let a file grow."""
    program = ("import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
               "from iepile.cli.main import main; sys.exit(main(sys.argv[1:]))")
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] != 0
    before = contents(here)
    done = subprocess.run([sys.executable, "-B", "-c", program, "generate", "--n", "500", "--tgt_path", "big.jsonl"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    assert contents(here) == before


def test_closed_pipe(here: Path) -> None:
    """`iepile templates | head -1` ends without a traceback."""
    done = subprocess.run(f"{sys.executable} -m iepile templates | head -n 1", shell=True, capture_output=True,
                          text=True, check=False)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("argv", [
    (*CONVERT[:-1], "docs.jsonl"),
    (*CONVERT[:-1], "./schema.json"),
    ("import", "docs.jsonl", "docs.jsonl"),
    ("import", "docs.jsonl", "i.jsonl", "--schema_path", "i.jsonl"),
    ("clean", "docs.jsonl", "c.jsonl", "--report", "docs.jsonl"),
    ("leaks", "--train", "docs.jsonl", "--evaluation", "schema.json", "--tgt_path", "docs.jsonl"),
    ("stats", "docs.jsonl", "--output", "docs.jsonl"),
    ("stats", "docs.jsonl", "--output", "s", "--page", "s"),
    ("negatives", "--schema_path", "schema.json", "--tgt_path", "schema.json"),
    ("negatives", "--schema_path", "schema.json", "--tgt_path", "h.json", "--scores", "h.json"),
], ids=lambda argv: " ".join(argv[:1] + argv[-2:]))
def test_an_output_that_is_an_input_or_another_output(refused: Callable[..., str], argv: tuple[str, ...]) -> None:
    err = refused(*argv)
    assert "is an input" in err or "two outputs" in err


def test_yaml_nested_too_deeply(refused: Callable[..., str], here: Path) -> None:
    Path("deep.yaml").write_text("a: " + "[" * 3000 + "]" * 3000)
    for argv in (
        ("clean", "--config", "deep.yaml"),
        ("import", "docs.jsonl", "i.jsonl", "--label_names", "deep.yaml"),
        ("build", "deep.yaml", "--root", "."),
        ("run", "deep.yaml"),
        ("catalog", "--card", "deep.yaml"),
    ):
        assert "deep.yaml" in refused(*argv), argv


def test_ctrl_c_while_the_verb_is_loaded(cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("iepile.cli.main.import_module", interrupted)
    assert cli("formats") == (130, "", "")
