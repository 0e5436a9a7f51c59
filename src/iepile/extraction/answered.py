"""A row of predictions: the question's row with the answer, its grounded facts and what was odd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from iepile.extraction.engines.engine import Completion
from iepile.extraction.gathering import Gathered, GatheringOptions, gather
from iepile.extraction.grounding import ground
from iepile.extraction.plan import AskingConfig, Plan, Planner
from iepile.extraction.questions import DOCUMENT, PLAIN, Question
from iepile.records import Document
from iepile.tasks.task import get_task
from iepile.tasks.triple_shape import asks_to_complete
from iepile.unified import document_to_row

OURS = ("output", "orders", "facts", "problems", "finish", "error")
"""Fields that are written here; what the input holds under these names is replaced."""
ANNOTATION = ("entity", "relation", "event")


class PredictSummary(msgspec.Struct):
    """What a run did. All counts are of the whole output, resumed rows included."""

    output_file: str
    engine: str
    rows: int = 0
    unreadable: list[str] = []
    """Files of a folder that were gone on without, and why."""
    resumed: int = 0
    """Rows that an earlier, interrupted run had answered."""
    questions: int = 0
    """Questions asked about the rows: windows, polls, label orders and passes."""
    cut_into_windows: int = 0
    """Rows whose text was asked in several windows."""
    invalid: int = 0
    """Answers in which no JSON object could be read."""
    salvaged: int = 0
    """Answers that were read after repair."""
    not_asked: int = 0
    """Labels or roles answered that were not asked; they are left out of the facts."""
    entities: int = 0
    relations: int = 0
    events: int = 0
    mentions: int = 0
    """Mentions in all answers, several label orders and passes each counted."""
    moved: int = 0
    """Mentions that were placed where the text differs from the answer (normalised or fuzzy)."""
    ungrounded: int = 0
    """Mentions that are not in the text."""
    completed: int = 0
    """Relations with an end that is not in the text, of questions that ask to complete what is missing; their mentions
    are not counted as ungrounded."""
    unsure: int = 0
    """Facts and arguments left out because the model was not sure enough."""
    cut: int = 0
    """Answers cut at the token limit."""
    errors: int = 0
    """Rows of which the engine failed to answer a question."""
    first_error: str = ""
    tokens: int = 0
    """Tokens generated."""
    prompt_tokens: int = 0
    """Tokens read, where the engine tells."""
    cost: float = 0.0
    """What the answers cost, where prices were given."""
    seconds: float = 0.0
    """Time spent on answering in this run."""
    rows_per_second: float = 0.0
    """Rows answered in this run, per second."""


def answered_row(question: Question, completion: Completion, fuzzy: bool, summary: PredictSummary) -> dict[str, Any]:
    """The row of a question that was asked once, with its answer; counts go into `summary`.

    Args:
        fuzzy: whether a mention that is not in the text word for word may be placed where the text is alike.
    """
    text, polls = question.asked()
    plan = Planner(AskingConfig()).plan(text, polls, document=False)
    return answered(question, plan, [completion], GatheringOptions(fuzzy), summary)


def answered(
    question: Question, plan: Plan, completions: Sequence[Completion], options: GatheringOptions,
    summary: PredictSummary,
) -> dict[str, Any]:
    """The row of a question with what all answers about its text come to; counts go into `summary`."""
    summary.questions += len(completions)
    summary.cut_into_windows += len(plan.windows) > 1
    row = question.row
    if question.task == PLAIN:
        out = {k: v for k, v in row.items() if k not in OURS} | {"output": completions[0].text}
        if name := row.get("task"):
            out |= _in_words(question, str(name), completions[0], options, summary)
        return _ended(out, completions, summary)
    got = gather(plan, completions, options)
    summary.entities += len(got.facts.entities)
    summary.relations += len(got.facts.relations)
    summary.events += len(got.facts.events)
    if question.task == DOCUMENT:
        out = _document(question, plan, completions, got)
    else:
        out = {k: v for k, v in row.items() if k not in OURS}
        # A row that named no task carries it from here on: scoring does not know prompts.
        out |= {"task": question.task} if not row.get("task") else {}
        out |= {"output": _output(question, plan, completions, options, got), "facts": msgspec.to_builtins(got.facts)}
        if orders := got.orders.get(question.task):
            # What scoring needs to tell how much the order of the labels matters.
            items = question.asked()[1][0].items
            out["orders"] = [get_task(question.task).answer_text(facts, items, plan.text) for facts in orders]
    if problems := _problems(got, summary):
        out["problems"] = problems
    return _ended(out, completions, summary)


def _in_words(
    question: Question, name: str, completion: Completion, options: GatheringOptions, summary: PredictSummary
) -> dict[str, Any]:
    """The facts of an answer in words. What the question asks to complete stays without a place, and is no problem."""
    if completion.finish == "error":
        return {"facts": {}}
    task = get_task(name)
    answer = task.parse(completion.text, task.read_words(question.instruction), question.input)
    completing = asks_to_complete(question.instruction)
    # A completed name must not be taken for one that is only like it.
    placed = ground(answer.facts, question.input, options.fuzzy and not completing)
    placements = list(placed.placements)
    if completing:
        placements = [replace(p, method="free") if p.method == "none" else p for p in placements]
        summary.completed += sum(not (r.head.grounded and r.tail.grounded) for r in placed.facts.relations)
    summary.relations += len(placed.facts.relations)
    problems = _problems(Gathered({name: placed.facts}, list(answer.problems), placements), summary)
    return {"facts": msgspec.to_builtins(placed.facts)} | ({"problems": problems} if problems else {})


def _output(
    question: Question, plan: Plan, completions: Sequence[Completion], options: GatheringOptions, got: Gathered
) -> str:
    """The answer as it came; where facts were chosen from several answers or by confidence, as these facts say it."""
    if len(completions) == 1 and not options.thresholds.get(question.task):
        return completions[0].text
    items = question.asked()[1][0].items
    return get_task(question.task).answer_text(got.facts, items, plan.text)


def _document(
    question: Question, plan: Plan, completions: Sequence[Completion], got: Gathered
) -> dict[str, Any]:
    facts = got.facts
    # A list that is there says that somebody looked: not where the engine failed.
    looked = {a.asked.task for a, c in zip(plan.asks, completions, strict=True) if c.finish != "error"}
    kinds = tuple(dict.fromkeys(get_task(p.task).annotation for p in question.polls if p.task in looked))
    found = document_to_row(Document(plan.text, None, None, None, facts.entities, facts.relations, facts.events, kinds))
    out = {k: v for k, v in question.row.items() if k not in OURS and k not in ANNOTATION}
    return out | {k: found[k] for k in ANNOTATION if k in found}


def _problems(got: Gathered, summary: PredictSummary) -> list[dict[str, Any]]:
    problems: dict[tuple[str, str], dict[str, Any]] = {}
    for p in got.problems:
        problems[p.kind, p.detail] = {"kind": p.kind, "detail": p.detail}
        summary.invalid += p.kind == "invalid"
        summary.salvaged += p.kind == "salvaged"
        summary.not_asked += p.kind == "not asked"
    for placed in got.placements:
        summary.mentions += 1
        if placed.method == "none":
            summary.ungrounded += 1
            problems["ungrounded", placed.answered] = {"kind": "ungrounded", "detail": placed.answered}
        elif placed.method in ("normalised", "fuzzy"):
            summary.moved += 1
            detail = f"{placed.answered} -> {placed.span.text}"
            problems[placed.method, detail] = {"kind": placed.method, "detail": detail, "score": placed.score}
    summary.unsure += got.dropped
    return list(problems.values())


def _ended(out: dict[str, Any], completions: Sequence[Completion], summary: PredictSummary) -> dict[str, Any]:
    """How the answers ended, in the row and in the counts."""
    errors = list(dict.fromkeys(c.error for c in completions if c.error))
    finishes = {c.finish for c in completions}
    if "error" in finishes:
        summary.errors += 1
        summary.first_error = summary.first_error or errors[0]
    for finish in ("error", "length"):
        if finish in finishes:
            out["finish"] = finish
            break
    summary.cut += sum(c.finish == "length" for c in completions)
    if errors:
        out["error"] = "; ".join(errors)
    summary.tokens += sum(c.tokens for c in completions)
    summary.prompt_tokens += sum(c.prompt_tokens for c in completions)
    summary.cost += sum(c.cost for c in completions)
    return out
