"""Every method, killed with -9 and started again, in one process and in two: the same to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from method_toy import METHODS, toy_config, write_rows
from processes import Act, run_processes
from tiny_models import byte_level_tokenizer, make_model
from toy_tuning import outcome


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("name", METHODS)
def test_kill_minus_nine(tmp_path: Path, name: str, processes: int) -> None:
    base, data = make_model(tmp_path / "base", byte_level_tokenizer()), write_rows(tmp_path / "train.json")
    config = toy_config(base, data, tmp_path / "torn", {"num_train_epochs": 3 * processes, **METHODS[name]})
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    assert [e.err for e in run_processes(whole, processes) if e.code] == []
    act = Act("kill", step=5, rank=processes - 1)
    assert run_processes(config, processes, [act])[processes - 1].code == -9
    assert [e.err for e in run_processes(config, processes) if e.code] == []
    assert outcome(config.output_dir) == outcome(whole.output_dir)


def test_a_run_that_was_killed_outright_goes_on_exactly(tmp_path: Path) -> None:
    """The same, once, where no test is slow."""
    test_kill_minus_nine(tmp_path, "lora", 1)
