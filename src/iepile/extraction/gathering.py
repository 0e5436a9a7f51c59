"""From the answers to a plan back to one set of facts about the text: read, placed, voted, put together.

What every answer states is given its places in its window first. The answers in several label orders are voted on,
what other passes add is added, windows are merged; then confidence is calibrated and facts under a threshold go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from iepile.extraction.calibration import Calibration, above, apply_calibration
from iepile.extraction.confidence import with_confidence
from iepile.extraction.engines.engine import Completion
from iepile.extraction.grounding import Grounded, Placement, ground
from iepile.extraction.merging import merge_windows, shift
from iepile.extraction.plan import Ask, Plan
from iepile.extraction.votes import unite, vote
from iepile.extraction.windows import Window
from iepile.records import Facts
from iepile.tasks.task import Problem, get_task

DIGITS = 4
"""Digits of confidence and support that are written."""


class GatheringOptions(msgspec.Struct, frozen=True):
    """How answers become facts."""

    fuzzy: bool = True
    """Whether a mention that is not in the text word for word may be placed where the text is alike."""
    min_support: float = 0.5
    """Share of the label orders that must state a fact."""
    calibration: Calibration | None = None
    thresholds: dict[str, float] = {}
    """Task -> least confidence of a fact."""


class Gathered(msgspec.Struct):
    """What the answers to a plan come to."""

    by_task: dict[str, Facts]
    """Task -> facts, with places in the whole text."""
    problems: list[Problem] = []
    placements: list[Placement] = []
    """Of every answer, in the order of the questions."""
    dropped: int = 0
    """Facts and arguments under the threshold."""
    orders: dict[str, list[Facts]] = {}
    """Task -> what each label order alone states, where several were asked."""

    @property
    def facts(self) -> Facts:
        """Of all tasks."""
        return sum(self.by_task.values(), Facts())

    @property
    def grounded(self) -> Grounded:
        """Facts and placements."""
        return Grounded(self.facts, tuple(self.placements))


def gather(plan: Plan, completions: Sequence[Completion], options: GatheringOptions) -> Gathered:
    """What a model stated about a text.

    Args:
        completions: one for each of `plan.asks`; those that failed state nothing.
    """
    out = Gathered({})
    by_task: dict[str, dict[int, list[tuple[Ask, Completion]]]] = {}
    for ask, completion in zip(plan.asks, completions, strict=True):
        by_task.setdefault(ask.asked.task, {}).setdefault(ask.window, []).append((ask, completion))
    for name, by_window in by_task.items():
        voted, parts = [], []
        for number, answered in by_window.items():
            window = plan.windows[number]
            text = plan.text if len(plan.windows) == 1 else plan.text[window.start : window.end]
            voted.append(_by_order(name, answered, text, options, out))
            parts.append(_of_window(name, answered, voted[-1], text, options, out))
        windows = [plan.windows[number] for number in by_window]
        facts = _whole(plan, windows, parts)
        if (orders := max(map(len, voted))) > 1:
            out.orders[name] = [_whole(plan, windows, [v[n % len(v)] for v in voted]) for n in range(orders)]
        if options.calibration is not None:
            facts = apply_calibration(facts, options.calibration, name)
        if least := options.thresholds.get(name):
            kept = above(facts, least)
            out.dropped += _size(facts) - _size(kept)
            facts = kept
        out.by_task[name] = _rounded(facts)
    return out


def _whole(plan: Plan, windows: Sequence[Window], parts: Sequence[Facts]) -> Facts:
    if len(plan.windows) == 1:
        return parts[0]
    return merge_windows([(w, shift(part, w)) for w, part in zip(windows, parts, strict=True)], plan.text)


def _by_order(
    name: str, answered: Sequence[tuple[Ask, Completion]], text: str, options: GatheringOptions, out: Gathered
) -> list[Facts]:
    """What each label order states about a window."""
    read = {(a.poll, a.order): _read(a, c, text, out) for a, c in answered if not a.sample}
    polls = list(dict.fromkeys(a.poll for a, _ in answered))
    orders = {p: sum(1 for q, _ in read if q == p) for p in polls}
    # A poll with fewer orders than others (one label has but one) gives what it has again.
    return [_placed(name, [read[p, n % orders[p]] for p in polls], text, answered, options, out)
            for n in range(max(orders.values()))]


def _of_window(
    name: str, answered: Sequence[tuple[Ask, Completion]], voted: list[Facts], text: str, options: GatheringOptions,
    out: Gathered,
) -> Facts:
    facts = voted[0] if len(voted) == 1 else vote(voted, options.min_support)
    passes = 1 + max(a.sample for a, _ in answered)
    if passes == 1:
        return facts
    read = {(a.poll, a.sample): _read(a, c, text, out) for a, c in answered if a.sample}
    polls = list(dict.fromkeys(a.poll for a, _ in answered))
    more = [_placed(name, [read[p, s] for p in polls], text, answered, options, out) for s in range(1, passes)]
    return unite([facts, *more])


def _read(ask: Ask, completion: Completion, text: str, out: Gathered) -> Facts:
    if completion.finish == "error":
        return completion.facts or Facts()
    answer = get_task(ask.asked.task).parse(completion.text, ask.asked.items, text, ask.asked.values)
    out.problems += answer.problems
    if completion.facts is not None:
        return completion.facts
    if completion.string_logprobs is None:
        return answer.facts
    return with_confidence(answer.facts, completion.text, completion.string_logprobs)


def _placed(
    name: str, parts: Sequence[Facts], text: str, answered: Sequence[tuple[Ask, Completion]],
    options: GatheringOptions, out: Gathered,
) -> Facts:
    joined = get_task(name).join(parts)
    if not joined:
        return joined
    free = {k: v for a, _ in answered for k, v in a.asked.values.items()}
    found = ground(joined, text, options.fuzzy, free)
    out.placements += found.placements
    return found.facts


def _size(facts: Facts) -> int:
    return (len(facts.entities) + len(facts.relations) + len(facts.events)
            + sum(len(e.arguments) for e in facts.events))


def _rounded(facts: Facts) -> Facts:
    """Digits beyond these tell nothing, and depend on the machine."""

    def of(fact: Any) -> Any:
        if fact.confidence is None and fact.support is None:
            return fact
        more = {k: round(v, DIGITS) for k in ("confidence", "support") if (v := getattr(fact, k)) is not None}
        return replace(fact, **more)

    events = tuple(of(replace(e, arguments=tuple(map(of, e.arguments)))) for e in facts.events)
    return Facts(tuple(map(of, facts.entities)), tuple(map(of, facts.relations)), events)
