"""Stamps: finished work is kept as long as nothing it depends on has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from iepile.stamps import Stamps


@pytest.fixture
def step(tmp_path: Path):
    source, target, runs = tmp_path / "in.txt", tmp_path / "out.txt", []
    source.write_text("a")

    def run(settings: object = None) -> bool:
        def work() -> dict:
            runs.append(1)
            target.write_text(source.read_text().upper())
            return {"n": len(runs)}

        done = Stamps(tmp_path / "stamps").run("step", settings, [source], [target], work)
        assert done.result == {"n": len(runs)}
        return done.kept

    run.source, run.target, run.stamp = source, target, tmp_path / "stamps/step.json"
    return run


def test_a_finished_step_is_kept(step) -> None:
    assert [step(), step(), step()] == [False, True, True]


@pytest.mark.parametrize("what", ["source", "target", "stamp", "settings"])
def test_any_change_runs_it_again(step, what: str) -> None:
    step()
    if what == "source":
        step.source.write_text("b")
    elif what == "target":
        step.target.unlink()
    elif what == "stamp":
        step.stamp.write_bytes(step.stamp.read_bytes()[:40])  # torn by a kill
    assert not step({"x": 1} if what == "settings" else None)
    assert step({"x": 1} if what == "settings" else None)
    assert step.target.read_text() == step.source.read_text().upper()


def test_a_step_that_fails_leaves_no_stamp(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path)

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        stamps.run("step", None, [], [], fail)
    assert not list(tmp_path.iterdir())
