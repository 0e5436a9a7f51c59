"""The road of a language model on real rows: tune all weights, then LoRA, then answer with and without grammar.

    python benchmarks/llm_road.py [--steps 300] [--lora_steps 100] [--rows 100] [--threads 1]

The model is a Llama of random weights made from a config, with a tokenizer trained on the rows: what counts is not
its skill, but that the loss falls and that with the grammar no answer is broken and no mention is invented.
Needs the résumé NER data beside the project (or IEPILE_SHARED).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from iepile.corpus.convert import ConvertConfig, convert  # noqa: E402
from iepile.corpus.importing import ImportConfig, import_documents  # noqa: E402
from iepile.extraction.engines.engine import Request, open_engine  # noqa: E402
from iepile.instruction import read_instruction  # noqa: E402
from iepile.jsonl import read_rows  # noqa: E402
from iepile.tasks import get_task  # noqa: E402
from iepile.training.config import TrainConfig  # noqa: E402
from iepile.training.data import read_examples  # noqa: E402
from iepile.training.layouts.padded import collate  # noqa: E402
from iepile.training.start import start_trainee  # noqa: E402
from iepile.training.tune import tune  # noqa: E402
from tiny_models import byte_level_tokenizer, make_model  # noqa: E402

NAMES = {"NAME": "姓名", "CONT": "国籍", "RACE": "民族", "TITLE": "职务",
         "EDU": "学历", "ORG": "组织", "PRO": "专业", "LOC": "籍贯"}


def rows_of(raw: Path, folder: Path, part: str, split: str) -> Path:
    """Instruction rows of one part of the data set, all labels in one question."""
    (folder / "names.json").write_text(json.dumps(NAMES), encoding="utf-8")
    import_documents(ImportConfig(src_path=str(raw / f"{part}.char.bmes"), tgt_path=str(folder / f"{part}.jsonl"),
                                  label_names=str(folder / "names.json"), language="zh"))
    (folder / "schema.json").write_text(json.dumps({"entities": sorted(NAMES.values())}), encoding="utf-8")
    convert(ConvertConfig(src_path=str(folder / f"{part}.jsonl"), tgt_path=str(folder / f"{part}.rows.json"),
                          schema_path=str(folder / "schema.json"), task="NER", split=split,  # type: ignore[arg-type]
                          split_num=-1))
    return folder / f"{part}.rows.json"


def held_out(config: TrainConfig) -> float:
    """Loss a token on the rows set aside, before training. Batches differ too much to tell it from their losses."""
    trainee = start_trainee(config, None)
    rows = read_examples(config.train_file, trainee.chat, config.cutoff_len).split(config.val_set_size, config.seed)[1]
    batches = [collate([row], 0) for row in rows.rows]
    return sum(map(trainee.measure, batches)) / sum(b.targets for b in batches)


def answer(model: Path, rows: list[dict[str, Any]], grammar: bool, threads: int) -> Counter[str]:
    """Answer rows; counts of what came out."""
    options = {"grammar": grammar, "max_new_tokens": 160, "threads": threads, "batch_size": 32}
    engine = open_engine("transformers", str(model), options)
    requests = [Request(str(n), "NER", row["instruction"]) for n, row in enumerate(rows)]
    task, seen = get_task("NER"), Counter[str]()
    began = time.perf_counter()
    for c in engine.generate(requests):
        row = rows[int(c.key)]
        question = read_instruction(row["instruction"])
        read = task.parse(c.text, tuple(map(task.item, question.schema)))
        gold = task.canonical(task.read_label_rows(json.loads(row["label"]))).entities
        found = {(e.type, e.span.text) for e in task.canonical(read.facts).entities}
        seen["broken"] += not read.valid
        seen["ungrounded"] += any(s.text not in question.input or not s.text for s in read.facts.spans())
        seen["cut"] += c.finish == "length"
        seen["errors"] += c.finish == "error"
        seen["tokens"] += c.tokens
        seen["right"] += len(found & {(e.type, e.span.text) for e in gold})
        seen["said"] += len(found)
        seen["gold"] += len(gold)
    seen["ms"] = round(1000 * (time.perf_counter() - began))
    engine.close()
    return seen


def report(name: str, seen: Counter[str], rows: int) -> None:
    f1 = 2 * seen["right"] / max(1, seen["said"] + seen["gold"])
    print(f"{name:28} broken {seen['broken'] / rows:6.1%}  ungrounded {seen['ungrounded'] / rows:6.1%}  "
          f"cut {seen['cut'] / rows:6.1%}  errors {seen['errors']}  F1 {f1:.3f}  "
          f"{1000 * seen['tokens'] / max(1, seen['ms']):5.0f} tokens/s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("steps", 300), ("lora_steps", 100), ("rows", 100), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    raw = Path(os.environ.get("IEPILE_SHARED", ROOT.parent / "shared")) / "data" / "resume_ner"
    if not raw.is_dir():
        print(f"needs {raw.name}/ in the data folder beside the project, or IEPILE_SHARED", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train, test = rows_of(raw, folder, "train", "train"), rows_of(raw, folder, "test", "test")
        texts = [t for _, r in read_rows(train) for t in (r["instruction"], r["output"])]
        base = make_model(folder / "base", byte_level_tokenizer(texts, size=4000), width=192, layers=4)
        rows = [row for _, row in read_rows(test)][: args.rows]
        common: dict[str, Any] = {
            "train_file": str(train), "template": "vanilla", "val_set_size": 100, "logging_steps": 10,
            "per_device_train_batch_size": 16, "threads": args.threads, "eval_steps": 10**9,
        }
        runs = (("full", base, {"max_steps": args.steps, "learning_rate": 3e-3}),
                ("lora", folder / "full/model", {"max_steps": args.lora_steps, "learning_rate": 1e-3}))
        models = [("random weights", base)]
        for kind, start, more in runs:
            settings = common | more | {"finetuning_type": kind, "output_dir": str(folder / kind)}
            before = held_out(TrainConfig(str(start), **settings))
            cpu = time.process_time()
            result = tune(TrainConfig(str(start), **settings))
            cpu = time.process_time() - cpu
            print(f"{kind}: {result.rows} rows, {result.steps} steps, {cpu:.0f} CPU seconds; loss a token on 100 rows "
                  f"held out {before:.3f} -> {result.valid_loss:.3f}", flush=True)
            models.append((kind, Path(result.model)))
        wrong = 0
        for kind, model in models:
            for grammar in (False, True):
                seen = answer(model, rows, grammar, args.threads)
                report(f"{kind}, {'grammar' if grammar else 'free'}", seen, len(rows))
                wrong += grammar * (seen["broken"] + seen["ungrounded"] + seen["errors"])
        print(f"{len(rows)} test rows; with grammar, broken or ungrounded: {wrong}")
        return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
