"""Reads every data set of a folder, counts what is in it and what had to be mended, and does the oracle test.

    python benchmarks/data_sets.py ../shared/data [--write]

The folder has a MANIFEST.json that names its files. A file that is not annotated data (a README, a list of
labels) is not in the table; a data file that cannot be read is listed under it with the reason. `--write` puts the
table into docs/en/data_sets.md and docs/zh/data_sets.md. The oracle is the F1 of the training targets as
answers, over every task the annotation serves: 100, or nobody could score 100.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from iepile.corpus.convert import ConvertConfig
from iepile.corpus.converter import Converter
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.importing import observed
from iepile.errors import InputError
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.jsonl import write_rows
from iepile.records import Document
from iepile.schema import Schema
from iepile.tasks.task import get_task

HERE = Path(__file__).resolve().parents[1]
SKIPPED_FORMATS = {"text"}
"""`record_format` of files that are no records: READMEs, licences, schemas (brat's .ann files aside)."""
TASKS = {"entity": ["NER"], "relation": ["RE", "SPO", "KG"], "event": ["EE", "EET", "EEA"]}
SHORT = {
    Repair.TAGS: "ill-formed tags", Repair.COLUMNS: "lines without tag", Repair.MOVED: "wrong offsets",
    Repair.AMBIGUOUS: "several places", Repair.ABSENT: "not in the text", Repair.DIFFERENT: "other wording",
    Repair.PIECES: "in pieces", Repair.COMPOUND: "compound values", Repair.EMPTY_MENTION: "empty mentions",
    Repair.DANGLING: "dangling references", Repair.NO_PLACE: "other annotation", Repair.ANSWER: "odd answers",
    Repair.LEFT_OUT: "left out", Repair.NO_TEXT: "without text",
}
SHORT_ZH = {
    Repair.TAGS: "标签序列不合规", Repair.COLUMNS: "缺标签的行", Repair.MOVED: "偏移有误",
    Repair.AMBIGUOUS: "位置不唯一", Repair.ABSENT: "不在文本中", Repair.DIFFERENT: "写法与文本不同",
    Repair.PIECES: "不连续", Repair.COMPOUND: "复合值", Repair.EMPTY_MENTION: "空提及",
    Repair.DANGLING: "悬空引用", Repair.NO_PLACE: "其他标注", Repair.ANSWER: "不合要求的答案",
    Repair.LEFT_OUT: "按标签名舍去", Repair.NO_TEXT: "无文本",
}
LISTS = {"entity": "entities", "relation": "relations", "event": "events"}
INTRO = {
    "en": """# Real data sets, read

What the readers make of the data sets the tests know: one row a file or folder. A mention is *grounded* when its
place in the text is known and checked; *mended* says what a reader had to correct or could not place, counted,
nothing dropped in silence. *Oracle* is the F1 that the training targets get as answers, in the tasks named: it must
be 100.

The files are often the first part of a larger one; the counts are of what was there. Made by
`python benchmarks/data_sets.py FOLDER --write`.

| data | format | documents | mentions | grounded | mended | oracle |
|---|---|---:|---:|---:|---|---|
""",
    "zh": "# 真实数据集的读取结果\n\n"
          "读取器对测试所用数据集的读取结果，每个文件或目录一行。提及在文本中的位置已知且经过核对，称为*已定位*；"
          "*修正*列出读取时纠正或无法定位之处及其数量，不会悄悄丢弃任何内容。"
          "*上限*是把训练目标直接当作答案所得的 F1（所列任务），必须为 100。\n\n"
          "这些文件常常只是较大文件的前一部分，数字只针对现有部分。"
          "由 `python benchmarks/data_sets.py FOLDER --write` 生成。\n\n"
          """| 数据 | 格式 | 文档 | 提及 | 已定位 | 修正 | 上限 |
|---|---|---:|---:|---:|---|---|
""",
}


def sources(folder: Path) -> list[Path]:
    """What is read: single files, and folders where a document is a file (brat, CASIE)."""
    found: dict[Path, None] = {}
    for data in json.loads((folder / "MANIFEST.json").read_text("utf-8"))["datasets"]:
        for entry in data["files"]:
            file = folder / entry["file"]
            if file.suffix == ".ann" or "/annotation/" in entry["file"]:
                found[file.parent] = None
            elif entry["record_format"] not in SKIPPED_FORMATS and entry["split"] not in ("-", "schema"):
                found[file] = None
    return list(found)


def oracle(docs: list[Document], folder: Path) -> dict[str, float]:
    """Task -> F1 of the training targets as answers."""
    schema = Schema.of_entities("~none") + Schema.of_relations("~none") + Schema.of_events({"~none": ["~role"]})
    for doc in docs:
        schema = schema + observed(doc)
    out: dict[str, float] = {}
    for kind, tasks in TASKS.items():
        annotated = [d for d in docs if kind in d.annotated]
        if not any(getattr(d, LISTS[kind]) for d in annotated):
            continue
        for name in tasks:
            if name in ("SPO", "KG") and not all(r.head_type and r.tail_type for d in annotated for r in d.relations):
                continue  # these two ask by the types of both ends
            task = get_task(name)
            config = ConvertConfig(src_path="", tgt_path="", schema_path="", task=name, positions=True)
            converter = Converter(task, schema, config)
            path = folder / "oracle.json"
            write_rows(path, (
                json.loads(line) | {"id": str(n), "label": json.dumps(task.label_rows(d.facts, positions=True))}
                for n, d in enumerate(annotated) for line in converter.rows(d)
            ))
            report = evaluate(EvaluateConfig(path1=str(path)))
            f1 = [r.score.f1 for r in report.scores if r.score.gold or r.score.pred]
            if f1:  # triggers alone leave no arguments to score
                out[name] = min(f1)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help="write docs/*/data_sets.md")
    args = parser.parse_args()
    rows, refused, bad = [], [], 0
    with tempfile.TemporaryDirectory() as scratch:
        for path in sources(args.folder):
            name = str(path.relative_to(args.folder))
            options = ReadOptions()
            try:
                docs = list(read_documents(path, options=options))
            except InputError as e:
                refused.append((name, e.problem, e.fix or ""))
                print(f"{name}: refused: {e}", file=sys.stderr)
                continue
            spans = [s for d in docs for s in d.facts.spans()]
            assert all(d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans() if s.grounded), name
            scores = oracle(docs, Path(scratch))
            bad += any(f1 != 100 for f1 in scores.values())
            rows.append((name, options.summary.format, len(docs), len(spans), sum(s.grounded for s in spans),
                         Counter(options.summary.repairs), scores))
            print(name, *rows[-1][1:], flush=True)
    if args.write:
        for language, names in (("en", SHORT), ("zh", SHORT_ZH)):
            lines = [INTRO[language]]
            for name, form, docs, mentions, grounded, repairs, scores in rows:
                mended = ", ".join(f"{names[r]} {n:,}" for r, n in sorted(repairs.items()) if n) or "-"
                tops = {f"{f1:g}" for f1 in scores.values()}
                share = f"{100 * grounded / mentions:.1f} %" if mentions else "-"
                lines.append(f"| {name} | {form} | {docs:,} | {mentions:,} | {share} | {mended} | "
                             f"{', '.join(scores)} {'/'.join(sorted(tops)) or '-'} |\n".replace("|  - |", "| - |"))
            if refused:
                lines.append({"en": "\nNot read, with the reason:\n\n", "zh": "\n未读取的文件及原因：\n\n"}[language])
                lines += [f"- {name}: {problem}\n" for name, problem, _ in refused]
            (HERE / f"docs/{language}/data_sets.md").write_text("".join(lines), "utf-8")
    print(f"{len(rows)} read, {len(refused)} refused, {bad} whose oracle is not 100")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
