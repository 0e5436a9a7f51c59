"""Whether F1 keeps up when the text comes first and its questions share a row: small models trained from scratch.

    python benchmarks/text_first_f1.py [--jobs 2] [--seeds 0] [--write]

Two data sets, three ways, the same answers in the same number and the same number of steps for each:

    schema_first   IEPile's order, separate rows
    text_first     the schema after the text, separate rows
    branched       the schema after the text, layout `branched`

Each text is asked four questions. A Llama of about 2 M parameters; a step learns from 16 answers: 16 rows of any
texts, or 4 texts with their 4 questions. F1 is that of the grammar-bound answers of the `transformers` engine to the
first test texts, the loss that of an answer token on the same rows. The prompt is a short one, to spend the time on
the task; the models are weak, what counts is how they compare.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from real_rows import chat_of, examples_of, llama, make_rows, tokenizer_of
from results import record
from train_speed import of_layout

from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.extraction.predict import PredictConfig, predict
from iepile.instruction import read_instruction
from iepile.jsonl import read_rows, write_rows
from iepile.models.card import ModelCard, write_card
from iepile.tasks import get_task
from iepile.training.layouts.layout import Size, plan

QUESTIONS = 4
ANSWERS = 16
"""A step."""
WAYS = {"schema_first": (False, "padded"), "text_first": (True, "padded"), "branched": (True, "branched")}
DATA = {"resume": ("zh", 3000), "movies": ("en", 3000)}
"""Language of the prompt, and size of the vocabulary."""
PROMPTS = {"zh": "抽取实体。", "en": "Find the entities."}
RATE = 2e-3


def train(model: Any, examples: Any, way: str, epochs: int, seed: int) -> dict[str, float]:
    """Learn every answer so many times; the rate falls to 0."""
    import torch

    layout, loss = of_layout(WAYS[way][1], model)
    size = Size(ANSWERS // (QUESTIONS if way == "branched" else 1))
    batches = [batch for epoch in range(epochs) for batch in plan(layout, examples, size, seed, epoch)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    began, answers = time.process_time(), 0
    for n, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (n + 1) / 50) * (1 - n / len(batches))
        loss(model, [examples[i] for i in batch]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        answers += len(batch)
    return {"steps": len(batches), "answers": answers, "CPU seconds": round(time.process_time() - began, 1)}


def with_answers(tests: Path, out: Path) -> Path:
    """Test rows as training rows: each question with its answer."""
    task = get_task("NER")

    def answered() -> Iterator[dict[str, Any]]:
        for _, row in read_rows(tests):
            question = read_instruction(row["instruction"])
            facts = task.read_label_rows(json.loads(row["label"]))
            yield row | {"output": task.answer_text(facts, task.read_items(question.schema), question.input)}

    write_rows(out, answered())
    return out


def arm(data: str, way: str, seed: int, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train one model and score it."""
    import torch

    torch.set_num_threads(1)
    language, vocabulary = DATA[data]
    wording = folder / "wording.toml"
    wording.write_text(f'[{language}]\nNER = "{PROMPTS[language]}"\n', "utf-8")
    rows = make_rows(data, folder, options.texts, wording=wording)
    tokenizer = tokenizer_of([rows], vocabulary)
    tests = make_rows(data, folder, options.tests, split="test", wording=wording)
    chat = chat_of(tokenizer)
    text_first = WAYS[way][0]
    model = llama(len(tokenizer), hidden=192, layers=4, seed=seed)
    figures: dict[str, Any] = train(model.train(), examples_of(rows, chat, text_first), way, options.epochs, seed)
    model.eval()
    held = with_answers(tests, folder / "held.json")
    examples = examples_of(held, chat, text_first)
    _, loss = of_layout("padded", model)
    with torch.no_grad():
        batches = [examples[i : i + 16] for i in range(0, len(examples), 16)]
        total = sum(loss(model, b).item() * sum(len(e.ids) - e.prompt for e in b) for b in batches)
    figures["loss"] = round(total / sum(len(e.ids) - e.prompt for e in examples), 4)
    answered = folder / "answered.json"
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    write_card(folder / "model", ModelCard(template=chat.name, text_first=text_first))
    predict(PredictConfig(input_file=str(tests), output_file=str(answered), model=str(folder / "model"), task="NER",
                          engine="transformers", engine_options={
                              "batch_size": 64, "max_new_tokens": 96, "threads": 1, "max_items": 8}))
    report = evaluate(EvaluateConfig(path1=str(answered)))
    score = next(r.score for r in report.scores if r.score.gold)
    named = {"precision": score.precision, "recall": score.recall, "F1": score.f1}
    return figures | {k: round(v, 2) for k, v in named.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--texts", type=int, default=1500, help="texts to train on")
    parser.add_argument("--tests", type=int, default=120, help="texts to score")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="models trained side by side, each on one thread")
    parser.add_argument("--arm", help="train this one alone, DATA:WAY:SEED")
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    options = parser.parse_args()
    if options.arm:
        data, way, seed = options.arm.split(":")
        with tempfile.TemporaryDirectory() as scratch:
            print(json.dumps(arm(data, way, int(seed), options, Path(scratch))))
        return 0
    arms = [f"{data}:{way}:{seed}" for seed in options.seeds.split(",") for data in DATA for way in WAYS]

    def run(name: str) -> dict[str, Any]:
        done = subprocess.run([sys.executable, *sys.argv, "--arm", name], capture_output=True, text=True,
                              env=os.environ | {"OMP_NUM_THREADS": "1"})
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr[-2000:]}")
        print(name, done.stdout.splitlines()[-1], file=sys.stderr, flush=True)
        return json.loads(done.stdout.splitlines()[-1])

    with ThreadPoolExecutor(options.jobs) as pool:
        found = dict(zip(arms, pool.map(run, arms), strict=True))
    record("text_first_f1", options.write, {
        "texts": options.texts, "test texts": options.tests, "epochs": options.epochs, "arms": found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
