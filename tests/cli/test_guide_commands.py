"""The command lines of the IEPile guide work when the program is replaced by the verb.

The guide itself is read, so what is tested is what users have in front of them.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., tuple[int, str, str]]
VERBS = {"convert_func.py": "convert", "eval_func.py": "evaluate", "finetune.py": "train", "test_finetune.py": "train",
         "inference.py": "predict"}


def commands(guide: str, section: str) -> list[list[str]]:
    """The Python commands of a section, each as a verb with its flags."""
    text = re.split(r"^#{2,4} ", guide.split(f"\n{section}", 1)[1], maxsplit=1, flags=re.M)[0]
    out = []
    for block in re.findall(r"```bash\n(.*?)```", text, re.S):
        folder = re.search(r"^output_dir='(.*)'$", block, re.M)
        # The guide has blanks after some of its backslashes (B38): no shell takes them, nor do we.
        joined = re.sub(r"\\\s*\n", " ", block).replace("${output_dir}", folder[1] if folder else "")
        for line in joined.splitlines():
            words = shlex.split(line)
            program = next((n for n, w in enumerate(words) if w.endswith(".py")), None)
            if program is not None:
                out.append([VERBS[Path(words[program]).name], *words[program + 1 :]])
    return out


@pytest.fixture
def guide(shared: Path) -> str:
    return (shared / "guides" / "iepile.md").read_text("utf-8")


@pytest.fixture
def data(here: Path) -> Path:
    """data/NER as the guide lays it out."""
    folder = Path("data/NER")
    folder.mkdir(parents=True)
    Path("docs.jsonl").rename(folder / "sample.json")
    Path("schema.json").rename(folder / "schema.json")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_4_1_training_data(cli: Cli, guide: str, data: Path) -> None:
    command, with_hard_negatives = commands(guide, "### 4.1")
    assert cli(*command)[0] == 0
    made = rows(data / "train.json")
    assert [list(r) for r in made] == [["task", "source", "instruction", "output"]] * 3
    assert {r["source"] for r in made} == {"NER"}
    assert json.loads(made[0]["output"]).keys() == {"人物", "地点", "机构"}
    # Its second command, of SPO with hard negatives.
    folder, label = Path("data/SPO"), "影视作品_导演_人物"
    Path("data/hard_negative").mkdir()
    Path("data/hard_negative/SPO_DuIE2.0.json").write_text(json.dumps({label: ["影视作品_编剧_人物"]}), "utf-8")
    folder.mkdir()
    (folder / "schema.json").write_text(json.dumps([label, "影视作品_编剧_人物", "城市_人口_Number"]) + "\n[]\n{}\n")
    (folder / "sample.json").write_text(json.dumps({"text": "《河岸》由沈望舒执导。", "relation": [
        {"head": "河岸", "head_type": "影视作品", "relation": "导演", "tail": "沈望舒", "tail_type": "人物"}]}))
    assert cli(*with_hard_negatives)[0] == 0
    (row,) = rows(folder / "train.json")
    assert json.loads(row["output"])["导演"] == [{"subject": "河岸", "object": "沈望舒"}]
    assert "编剧" in json.loads(row["output"])


def test_5_1_test_data(cli: Cli, guide: str, data: Path) -> None:
    (command,) = commands(guide, "### 5.1")
    assert cli(*command)[0] == 0
    made = rows(data / "test.json")
    assert [list(r) for r in made] == [["id", "task", "source", "instruction", "label"]] * 3
    assert json.loads(made[0]["label"]) == [{"entity": "沈望舒", "entity_type": "人物"},
                                            {"entity": "临溪镇", "entity_type": "地点"}]


def test_6_scores(cli: Cli, guide: str, data: Path, compact_model: Path) -> None:
    (convert,) = commands(guide, "### 5.1")
    assert cli(*convert)[0] == 0
    assert cli("predict", "--input_file", f"{data}/test.json", "--output_file", f"{data}/processed.json",
               "--model", str(compact_model))[0] == 0
    (command,) = commands(guide, "## 6")
    code, out, err = cli(*command)
    assert (code, err) == (0, "")
    assert "NER" in out and "F1" in out
    # An answer that is right in all it says.
    made = rows(data / "processed.json")
    for row in made:
        asked = json.loads(row["instruction"])["schema"]
        gold = json.loads(row["label"])
        row["output"] = json.dumps({a: [g["entity"] for g in gold if g["entity_type"] == a] for a in asked})
        row.pop("facts")
    (data / "processed.json").write_text("".join(json.dumps(r) + "\n" for r in made), "utf-8")
    code, out, _ = cli(*command, "--sort_by", "source", "--json")
    assert code == 0 and [s["score"]["f1"] for s in json.loads(out)["scores"]] == [100.0]


@pytest.mark.parametrize("section", ["### 3.3", "### 4.2", "#### 4.3.1", "#### 4.3.2", "### 5.2"])
def test_flags_of_the_model_commands_are_known(cli: Cli, guide: str, data: Path, section: str) -> None:
    """They need 13 B weights; with an empty folder in their place, only the model is found wanting."""
    (command,) = commands(guide, section)
    model = command[command.index("--model_name_or_path") + 1]
    Path(model).mkdir(parents=True)
    (convert,) = commands(guide, "### 5.1" if command[0] == "predict" else "### 4.1")[:1]
    assert cli(*convert)[0] == 0
    made = (data / ("test.json" if command[0] == "predict" else "train.json")).read_bytes()
    for place in ("data/NER/train.json", "data/NER/dev.json", "data/train.json", "data/dev.json", "data/input.json"):
        Path(place).write_bytes(made)
    code, _, err = cli(*command)
    assert code == 2
    error = [line for line in err.splitlines() if not line.startswith("warning: ")]
    assert model in error[0] or "lora/" in error[0], err
