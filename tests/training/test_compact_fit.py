"""Training of the compact model: it learns, resumes to the bit, and keeps unasked labels out of the loss."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from compact_toy import BUY, BUYER, FIRM, PERSON, WORKS, small, toy
from iepile.errors import InputError
from iepile.models.compact.config import CompactConfig
from iepile.models.compact.example import Example, Label
from iepile.models.compact.model import CompactModel, build
from iepile.training.compact import fit, planned_steps
from iepile.training.compact_loss import Sampling, batch_loss, label
from iepile.training.compact_swap import Mentions
from iepile.training.compact_tuning import evaluate

TESTS = Path(__file__).parents[1]

RUN = """
import os, signal, sys
from compact_toy import small, toy
from iepile.training.compact import fit

stop = int(sys.argv[2])

def on_step(step, total, loss):
    if step == stop:
        os.kill(os.getpid(), signal.SIGKILL)

done = fit(toy(), toy()[:4], small(average=0.9), sys.argv[1], on_step)
print(done.resumed_from)
"""


def _run(folder: Path, stop: int, hash_seed: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [sys.executable, "-c", RUN, str(folder), str(stop)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_kill_and_resume_gives_the_same_bytes_under_any_hash_seed(tmp_path: Path) -> None:
    whole = _run(tmp_path / "whole", 0, "1")
    assert whole.returncode == 0, whole.stderr
    assert _run(tmp_path / "killed", 18, "2").returncode == -9
    # The newest checkpoint is damaged as by a full disk: the one before it must serve.
    state = tmp_path / "killed" / "checkpoint-15" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    again = _run(tmp_path / "killed", 0, "3")
    assert again.stdout.strip() == "10", again.stderr
    for name in ("losses.jsonl", "model/model.safetensors", "model/config.json", "model/labels.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name
    assert not list((tmp_path / "killed").glob("checkpoint-*"))


def test_it_learns_entities_relations_and_events_with_and_without_trigger(tmp_path: Path) -> None:
    steps: list[int] = []
    config = small(max_steps=220, swap_mentions=0.2, checkpoint_steps=0)
    done = fit(toy(), [], config, tmp_path, lambda step, total, loss: steps.append(step))
    assert steps == list(range(1, 221))
    assert len((tmp_path / "losses.jsonl").read_text().splitlines()) == 220
    scores = evaluate(CompactModel.load(done.folder), toy())
    assert scores == {"argument": 1.0, "entity": 1.0, "relation": 1.0, "trigger": 1.0}


def test_another_run_in_the_same_folder_starts_anew(tmp_path: Path) -> None:
    fit(toy(), [], small(max_steps=3), tmp_path)
    done = fit(toy(), [], small(max_steps=3, seed=1), tmp_path)
    assert done.resumed_from == 0
    assert len(done.losses) == 3


def test_a_label_that_was_not_asked_is_neither_right_nor_wrong() -> None:
    network = build(small().model).eval()
    text = "Ada works for Acme Inc. now."
    asked = Example(text, {PERSON: [(0, 3)]}, {}, (PERSON,), ())
    # The same text with answers to labels nobody asked: only the asked one may count.
    more = Example(text, {PERSON: [(0, 3)], FIRM: [(14, 23)]}, {WORKS: [((0, 3), (14, 23))]}, (PERSON,), ())
    other = Example(text, {FIRM: [(14, 23)]}, {}, (FIRM,), ())
    losses = [
        batch_loss(network, [label(x, network, Counter()) for x in batch], Sampling(rng=random.Random(0))) * len(batch)
        for batch in ([asked], [more], [other], [asked, other])
    ]
    values = [float(loss.detach()) for loss in losses]
    assert values[0] == values[1]
    # A mixed batch is the sum of its parts: neither text sees the other's label.
    assert values[3] == pytest.approx(values[0] + values[2], rel=1e-5)


def test_an_unasked_label_gets_no_gradient() -> None:
    network = build(small().model)
    asked, unasked = Label("entity", "abc"), Label("entity", "xyz")
    x = Example("one two", {unasked: [(0, 3)]}, {}, (asked,), ())
    batch_loss(network, [label(x, network, Counter())], Sampling()).backward()
    from iepile.models.compact.features import label_pieces

    size = network.config.label_buckets
    only = sorted(set(label_pieces(unasked, "entity", size)) - set(label_pieces(asked, "entity", size)))
    gradient = network.labels.weight.grad
    assert gradient is not None
    assert only
    assert not gradient[torch.tensor(only)].any()
    assert gradient.any()


def test_spans_that_cannot_be_learned_are_counted() -> None:
    network = build(CompactConfig(buckets=64, max_width=2))
    left_out: Counter[str] = Counter()
    label(Example("one two three", {PERSON: [(0, 2), (0, 13), (0, 7)]}, {}, (PERSON,), ()), network, left_out)
    assert left_out == {"borders inside a token": 1, "wider than 2 tokens": 1}


def test_swapped_mentions_keep_their_labels() -> None:
    mentions = Mentions(toy())
    by_label: dict[Label, set[str]] = {}
    for x in toy():
        for name, spans in x.spans.items():
            by_label.setdefault(name, set()).update(x.text[s:e] for s, e in spans)
    changed = 0
    for k, x in enumerate(toy()):
        new = mentions.swap(x, 0.7, random.Random(k))
        if new is None:
            continue
        changed += 1
        assert {n: len(v) for n, v in new.spans.items()} == {n: len(v) for n, v in x.spans.items()}
        for name, spans in new.spans.items():
            assert {new.text[s:e] for s, e in spans} <= by_label[name]
        for name, pairs in new.pairs.items():
            for a, b in pairs:
                if name == WORKS:
                    assert a in new.spans[PERSON]
                    assert b in new.spans[FIRM]
                if name == BUYER:
                    assert a in new.spans[BUY]
    assert changed > 10


def test_length_of_a_run_is_known_beforehand() -> None:
    lengths = [10] * 100
    assert planned_steps(lengths, small(max_steps=7)) == 7
    # 1,000 tokens at 128 a batch of ten-token texts are 9 batches.
    assert planned_steps(lengths, small(max_steps=None, epochs=2)) == 18
    assert planned_steps(lengths, small(max_steps=None, tokens=3_000, max_epochs=10)) == 27
    assert planned_steps(lengths, small(max_steps=None, tokens=3_000, max_epochs=1)) == 9


def test_nothing_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="asks for any label"):
        fit([Example("a text")], [], small(), tmp_path)


def test_a_time_limit_ends_training(tmp_path: Path) -> None:
    done = fit(toy(), [], small(max_steps=1000, max_minutes=1e-4), tmp_path)
    assert done.steps < 1000
    assert json.loads((done.folder / "config.json").read_text())["kind"] == "compact"
