"""A row of predictions: the question's row with the answer, its grounded facts and what was odd."""

from __future__ import annotations

from typing import Any

import msgspec

from iepile.extraction.engines.engine import Completion
from iepile.extraction.grounding import ground
from iepile.extraction.questions import PLAIN, Question
from iepile.instruction import read_instruction
from iepile.tasks.task import get_task

OURS = ("output", "facts", "problems", "finish", "error")
"""Fields that are written here; what the input holds under these names is replaced."""


class PredictSummary(msgspec.Struct):
    """What a run did. All counts are of the whole output, resumed rows included."""

    output_file: str
    engine: str
    rows: int = 0
    resumed: int = 0
    """Rows that an earlier, interrupted run had answered."""
    invalid: int = 0
    """Answers in which no JSON object could be read."""
    salvaged: int = 0
    """Answers that were read after repair."""
    not_asked: int = 0
    """Labels or roles answered that were not asked; they are left out of the facts."""
    mentions: int = 0
    moved: int = 0
    """Mentions that were placed where the text differs from the answer (normalised or fuzzy)."""
    ungrounded: int = 0
    """Mentions that are not in the text."""
    cut: int = 0
    """Answers cut at the token limit."""
    errors: int = 0
    """Requests that the engine failed on."""
    first_error: str = ""
    tokens: int = 0
    """Tokens generated."""
    seconds: float = 0.0
    """Time spent on answering in this run."""
    rows_per_second: float = 0.0
    """Rows answered in this run, per second."""


def answered_row(question: Question, completion: Completion, fuzzy: bool, summary: PredictSummary) -> dict[str, Any]:
    """The row of a question with its answer; counts go into `summary`.

    Args:
        fuzzy: whether a mention that is not in the text word for word may be placed where the text is alike.
    """
    row = question.row
    if question.task == PLAIN:
        out = {k: v for k, v in row.items() if k not in OURS} | {"output": completion.text}
        return _ended(out, completion, summary)
    task = get_task(question.task)
    instruction = read_instruction(question.instruction)
    problems: list[dict[str, str]] = []
    facts = completion.facts
    if completion.finish != "error":
        answer = task.parse(completion.text, task.read_items(instruction.schema))
        facts = answer.facts if facts is None else facts
        problems += ({"kind": p.kind, "detail": p.detail} for p in answer.problems)
        kinds = [p.kind for p in answer.problems]
        summary.invalid += "invalid" in kinds
        summary.salvaged += "salvaged" in kinds
        summary.not_asked += kinds.count("not asked")
    out = {k: v for k, v in row.items() if k not in OURS}
    # A row that named no task carries it from here on: scoring does not know prompts.
    out |= {"task": task.name} if not row.get("task") else {}
    out |= {"output": completion.text, "facts": {}}
    if facts:
        grounded = ground(facts, instruction.input, fuzzy)
        out["facts"] = msgspec.to_builtins(grounded.facts)
        for p in grounded.placements:
            summary.mentions += 1
            if p.method == "none":
                summary.ungrounded += 1
                problems.append({"kind": "ungrounded", "detail": p.answered})
            elif p.method != "exact":
                summary.moved += 1
                problems.append({"kind": p.method, "detail": f"{p.answered} -> {p.span.text}"})
    if problems:
        out["problems"] = problems
    return _ended(out, completion, summary)


def _ended(out: dict[str, Any], completion: Completion, summary: PredictSummary) -> dict[str, Any]:
    """How the answer ended, in the row and in the counts."""
    if completion.finish == "error":
        summary.errors += 1
        summary.first_error = summary.first_error or completion.error
    if completion.finish != "stop":
        out["finish"] = completion.finish
        summary.cut += completion.finish == "length"
    if completion.error:
        out["error"] = completion.error
    summary.tokens += completion.tokens
    return out
