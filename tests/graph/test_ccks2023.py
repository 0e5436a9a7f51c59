"""Triples in brackets: the guide's reading to the letter, and ours, which loses fewer."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.cli.main import main
from iepile.errors import InputError
from iepile.graph.ccks2023 import Ccks2023Config, convert, legacy_triples
from iepile.tasks.triple_text import read_triples


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_legacy_is_the_guides_script(shared: Path, tmp_path: Path) -> None:
    golden = shared / "golden" / "ccks2023"
    result = convert(Ccks2023Config(str(golden / "pred.json"), str(tmp_path / "out.json"), legacy=True))
    assert (tmp_path / "out.json").read_bytes() == (golden / "expected.json").read_bytes()
    assert (result.rows, result.triples, result.rows_without) == (14, 13, 5)


def test_ours_finds_what_the_script_loses(shared: Path, tmp_path: Path) -> None:
    golden = shared / "golden" / "ccks2023"
    result = convert(Ccks2023Config(str(golden / "pred.json"), str(tmp_path / "out.json")))
    found = {row["id"]: row["kg"] for row in rows(tmp_path / "out.json")}
    assert found[3] == [["甲", "国籍", "乙"], ["丙", "位于", "丁"]]
    assert found[4] == [["人口", "数值", "2,424人"]]
    assert found[5] == [["甲(别名)", "国籍", "乙"]]
    assert found[7] == [["甲", "国籍", "乙"]]
    assert found[9] == [["甲", "国籍", "乙"]] * 2
    assert found[11] == [], "four parts are no triple"
    assert found[14] == [["甲", "国籍", "乙"]]
    same = {row["id"]: row["kg"] for row in rows(golden / "expected.json")}
    assert {n for n in found if found[n] != same[n]} == {3, 4, 5, 7, 11}
    assert result.skipped == 4 and result.first_skipped[0] == "line 6: (甲,国籍)"


@pytest.mark.parametrize(("text", "triples"), [
    ("((甲,国籍,乙),(丙,位于,丁),(a,b,c))", [["甲", "国籍", "乙"], ["丙", "位于", "丁"], ["a", "b", "c"]]),
    ("有2个(如下：(甲,国籍,乙)(丙,位于,丁))", [["甲", "国籍", "乙"], ["丙", "位于", "丁"]]),
    ('("甲,乙", 国籍, “丙)x”)', [["甲,乙", "国籍", "“丙)x”"]]),
    ("(“甲,乙”, “国籍”, “丙)x”)", [["甲,乙", "国籍", "丙)x"]]),
    ("(O'Brien,born in,'Ennis, Clare')", [["O'Brien", "born in", "Ennis, Clare"]]),
    ("(a,b,(c))", [["a", "b", "(c)"]]),
    ("(a,b,1,234,567)", [["a", "b", "1,234,567"]]),
    ("(城市,1,234,5,678)", [["城市", "1,234", "5,678"]]),
    ("(a,1,234,567)", []),
    ("(甲(别名,国籍,乙)(丙,位于,丁)", [["甲(别名", "国籍", "乙"], ["丙", "位于", "丁"]]),
    ("(1,234人,规模,工厂)", [["1,234人", "规模", "工厂"]]),
    ("（见下）没有", []),
])
def test_reading(text: str, triples: list[list[str]]) -> None:
    assert read_triples(text).triples == triples


marks = ",，()（）\"'“”‘’「」『』"
letters = st.characters(exclude_characters=marks, exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"])
parts = st.text(letters, min_size=1, max_size=8)


@given(st.lists(st.tuples(parts, parts, parts), max_size=5), st.sampled_from(["", ",", "\n", "；"]))
def test_plain_triples_are_read_back(triples: list[tuple[str, str, str]], between: str) -> None:
    text = between.join(f"({','.join(t)})" for t in triples)
    expected = [list(t) for t in triples]
    assert read_triples(text).triples == expected
    assert legacy_triples(text) == expected


@given(st.text("(（)）,，\"'“” a1", max_size=60))
def test_whatever_comes_is_read_without_empty_parts(text: str) -> None:
    assert all(len(t) == 3 and all(t) for t in read_triples(text).triples)


def test_deep_brackets_take_no_recursion() -> None:
    assert read_triples("(" * 5_000 + "a,b,c" + ")" * 5_000).triples == [["a", "b", "c"]]
    assert read_triples("(" * 50_000).triples == []


def test_the_guides_command(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (shared / "guides" / "instructkgc.md").read_text("utf-8")
    found = re.search(r"python src/utils/convert\.py (.*?)```", guide, re.S)
    assert found
    words = shlex.split(found[1].replace("\\\n", " "))
    monkeypatch.chdir(tmp_path)
    source = Path(words[words.index("--pred_path") + 1])
    source.parent.mkdir(parents=True)
    source.write_text('{"id": 1, "output": "(甲,国籍,乙)"}\n', "utf-8")
    assert main(["kg", "ccks2023", *words]) == 0
    target = Path(words[words.index("--tgt_path") + 1])
    assert rows(target) == [{"id": 1, "output": "(甲,国籍,乙)", "kg": [["甲", "国籍", "乙"]]}]
    target.unlink()
    assert main(["kg", "ccks2023"]) == 0, "the guide's files are the defaults"
    assert target.is_file()


def test_a_row_without_answer_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"output": "(a,b,c)"}\n{"id": 2}\n', "utf-8")
    with pytest.raises(InputError, match=r"p\.json:2: no answer"):
        convert(Ccks2023Config(str(tmp_path / "p.json"), str(tmp_path / "o.json")))
    assert not (tmp_path / "o.json").exists()
