"""Whether the grammar of an answer lets every gold answer pass: all data sets of a folder, every task they serve.

    python benchmarks/grammar_gold.py ../shared/data [--write]

Each document is asked for all that its labels let one ask; the gold answer is what training would teach. It must be
accepted wherever its mentions are pieces of the text, with the local Lark grammar (llguidance, a byte a token, under
the limits that the engine sets). The rest is counted with the reason. Rows of IEPile's own form are held against the
grammar as they stand in their files as well. Exit code 1 where an answer with verbatim mentions is refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import llguidance
from data_sets import TASKS, sources
from results import record

from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions
from iepile.corpus.importing import observed
from iepile.errors import InputError
from iepile.extraction.grammar import LONGEST_TEXT, lark, limits
from iepile.instruction import read_instruction
from iepile.records import Document, Facts
from iepile.tasks import Item, Task, get_task
from iepile.tasks.shape import Shape

BYTES = llguidance.LLTokenizer("byte")
LIMITS = limits()


def accepts(shape: Shape, text: str, answer: str) -> bool:
    """Whether the grammar of all answers of `shape` about `text` lets this one pass to its end."""
    matcher = llguidance.LLMatcher(BYTES, llguidance.LLMatcher.grammar_from_lark(lark(shape, text)), limits=LIMITS,
                                   log_level=0)
    if matcher.is_error():
        raise SystemExit(f"no grammar: {matcher.get_error()[:500]}")
    tokens = list(answer.encode())
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


def asked(doc: Document) -> Iterator[tuple[Task, tuple[Item, ...]]]:
    """The questions that a document's own labels let one ask."""
    schema = observed(doc)
    for kind, names in TASKS.items():
        if kind not in doc.annotated:
            continue
        for name in names:
            if name in ("SPO", "KG") and not all(r.head_type and r.tail_type for r in doc.relations):
                continue  # these two ask by the types of both ends
            task = get_task(name)
            waiting = list(task.posed(task.items(schema), doc.facts, doc.text))
            while waiting:
                # Two questions of one key (SPO: a predicate between other types) are asked apart.
                apart = {task.key(i): i for i in reversed(waiting)}
                yield task, tuple(i for i in waiting if apart[task.key(i)] is i)
                waiting = [i for i in waiting if apart[task.key(i)] is not i]


def mentions(facts: Facts, task: Task) -> Iterator[str]:
    """What an answer names; triggers of EEA are told in the question, so they need not stand in the text."""
    yield from (e.span.text for e in facts.entities)
    for r in facts.relations:
        yield from (r.head.text, r.tail.text)
    for event in facts.events:
        if event.trigger is not None and task.name != "EEA":
            yield event.trigger.text
        yield from (a.span.text for a in event.arguments)


def one_document(doc: Document, counts: Counter[str]) -> str | None:
    """Hold a document's answers against their grammars; returns the first that is refused without reason."""
    for task, items in asked(doc):
        facts = task.canonical(task.settled(task.about(doc.facts, items), items))
        answer = task.answer_text(facts, items, doc.text)
        counts["answers"] += 1
        outside = [s for s in mentions(facts, task) if s not in doc.text]
        if len(doc.text) > LONGEST_TEXT:
            counts["text too long"] += 1
        elif not doc.text:
            counts["no text"] += 1
        elif accepts(task.shape(items), doc.text, answer):
            counts["accepted"] += 1
            counts["accepted although not verbatim"] += bool(outside)
        elif outside:
            counts["refused: a mention is not in the text"] += 1
        else:
            counts["refused"] += 1
            return f"{task.name} {answer[:300]}"
    return None


def rows_as_written(path: Path, counts: Counter[str]) -> list[str]:
    """Hold the `output` of IEPile's instruction rows, as they stand, against the grammar of their instruction."""
    refused = []
    for line in path.read_text("utf-8").splitlines():
        row: Any = json.loads(line) if line.startswith("{") else None
        if not isinstance(row, dict) or not isinstance(row.get("output"), str) or not row.get("task"):
            return []
        try:
            instruction, task = read_instruction(row["instruction"]), get_task(row["task"])
            items = task.read_items(instruction.schema)
        except InputError:
            return []
        counts["answers"] += 1
        read = task.parse(row["output"], items)
        if accepts(task.shape(items), instruction.input, row["output"]):
            counts["accepted"] += 1
        elif accepts(task.shape(items), instruction.input, task.answer_text(read.facts, items, instruction.input)):
            counts["refused: the same facts in another form (keys head and tail)"] += 1
        elif any(s not in instruction.input for s in mentions(read.facts, task)):
            counts["refused: a mention is not in the text"] += 1
        else:
            counts["refused"] += 1
            refused.append(f"{task.name} {row['output'][:300]}")
    return refused


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="data sets whose path holds this")
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    args = parser.parse_args()
    documents: dict[str, Counter[str]] = {}
    written: Counter[str] = Counter()
    by_task: Counter[str] = Counter()
    bad: list[str] = []
    for path in sources(args.folder):
        name = str(path.relative_to(args.folder))
        if args.only not in name:
            continue
        counts = documents[name.split("/")[0]] = documents.get(name.split("/")[0], Counter())
        try:
            for doc in read_documents(path, options=ReadOptions()):
                if (refused := one_document(doc, counts)) is not None:
                    bad.append(f"{name} {doc.key}: {refused}")
                by_task.update(task.name for task, _ in asked(doc))
        except InputError as e:
            print(f"{name}: not read: {e.problem}", file=sys.stderr)
            continue
        if path.suffix in (".json", ".jsonl"):
            bad += [f"{name}: {r}" for r in rows_as_written(path, written)]
        print(name, dict(counts), flush=True)
    for line in bad:
        print("REFUSED", line)
    total = sum(documents.values(), Counter())
    record("grammar_gold", args.write, {
        "answers_of_documents": dict(total), "answers_by_task": dict(by_task), "rows_as_written": dict(written),
        "refused_although_verbatim": len(bad),
        "data_sets": {k: dict(v) for k, v in documents.items() if v},
    })
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
