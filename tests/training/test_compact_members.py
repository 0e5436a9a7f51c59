"""Several networks in one model: trained side by side, killed and resumed, answering as one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from compact_toy import BUY, FIRM, PERSON, WORKS, small, toy
from iepile.models.compact.example import Question
from iepile.models.compact.model import CompactModel
from iepile.training.compact import fit
from iepile.training.compact_tuning import evaluate

TESTS = Path(__file__).parents[1]
RUN = """
import sys
from dataclasses import replace
import pytest
from compact_toy import small, toy
from iepile.training.compact import fit

if __name__ == "__main__":
    config = small(max_steps=150, checkpoint_steps=10)
    config = replace(config, model=replace(config.model, members=2))
    print(fit(toy(), [], config, sys.argv[1]).resumed_from)
"""


def start(script: Path, folder: Path) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.Popen([sys.executable, str(script), str(folder)], env=env, stdout=subprocess.PIPE, text=True)


def test_members_answer_together_better_than_chance_and_alike_after_a_reload(tmp_path: Path) -> None:
    config = small(max_steps=120)
    config = replace(config, model=replace(config.model, members=2))
    done = fit(toy(), [], config, tmp_path)
    model = CompactModel.load(done.folder)
    assert model.config.members == 2 and not list(tmp_path.glob("member-0/checkpoint-*"))
    assert min(evaluate(model, toy()).values()) > 0.8
    assert len(done.losses) == len((tmp_path / "losses.jsonl").read_text().splitlines()) == 120
    texts = ["Ada works for Bolt now.", "甲公司收购丙厂。"]
    wide = [Question((PERSON, FIRM, BUY), (WORKS,))] * 2
    answers = model.predict(texts, wide)
    assert answers == [model.predict([t], [q])[0] for t, q in zip(texts, wide, strict=True)]
    assert answers[0].spans[PERSON] == model.predict(texts[:1], [Question((PERSON,))])[0].spans[PERSON]


@pytest.mark.slow
def test_killed_members_end_with_the_same_model(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN, "utf-8")
    whole = start(script, tmp_path / "whole")
    whole.communicate(timeout=240)
    assert whole.returncode == 0
    torn = start(script, tmp_path / "torn")
    deadline = time.monotonic() + 120
    while not list((tmp_path / "torn").glob("member-0/checkpoint-2*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    torn.kill()
    torn.communicate()
    again = start(script, tmp_path / "torn")
    out, _ = again.communicate(timeout=240)
    assert again.returncode == 0 and int(out) > 0
    for name in ("losses.jsonl", "model/model.safetensors", "model/config.json"):
        assert (tmp_path / "torn" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
