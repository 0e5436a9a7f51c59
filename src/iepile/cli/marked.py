"""A text on the terminal with its facts marked: entities in place, relations and events below."""

from __future__ import annotations

import sys

from iepile.records import Entity, Event, Facts, Relation, Span

COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "red")


def marked(text: str, facts: Facts) -> str:
    """The text with `[mention|type]` in place (coloured on a terminal), then one line a relation and event."""
    types = list(dict.fromkeys(e.type for e in facts.entities))
    out: list[str] = []
    at = 0
    for e in _outermost(facts.entities):
        assert e.span.start is not None and e.span.end is not None
        out += (text[at : e.span.start], _mention(e, types.index(e.type)))
        at = e.span.end
    lines = ["".join(out) + text[at:]]
    lines += (f"  {_relation(r)}" for r in facts.relations)
    lines += (f"  {_event(e)}" for e in facts.events)
    return "\n".join(lines)


def fact_rows(facts: Facts) -> list[tuple[str, str, str, str, str]]:
    """Kind, label, text, place and confidence of each fact, in order; roles below their event."""
    rows = [("entity", e.type, e.span.text, _place(e.span), _share(e.confidence)) for e in facts.entities]
    rows += (("relation", r.type, f"{r.head.text} -> {r.tail.text}", f"{_place(r.head)} -> {_place(r.tail)}",
              _share(r.confidence)) for r in facts.relations)
    for e in facts.events:
        trigger = e.trigger or Span("")
        rows.append(("event", e.type, trigger.text, _place(trigger), _share(e.confidence)))
        rows += (("", f"  {a.role}", a.span.text, _place(a.span), _share(a.confidence)) for a in e.arguments)
    return rows


def _place(span: Span) -> str:
    return f"{span.start}-{span.end}" if span.grounded else "-"


def _share(confidence: float | None) -> str:
    return "-" if confidence is None else f"{confidence:.2f}"


def _outermost(entities: tuple[Entity, ...]) -> list[Entity]:
    """Entities with places, none inside another, in text order."""
    placed = [e for e in entities if e.span.offsets]
    placed.sort(key=lambda e: (e.span.start or 0, -(e.span.end or 0)))
    kept: list[Entity] = []
    for e in placed:
        if not kept or (e.span.start or 0) >= (kept[-1].span.end or 0):
            kept.append(e)
    return kept


def _mention(e: Entity, n: int) -> str:
    if not sys.stdout.isatty():
        return f"[{e.span.text}|{e.type}]"
    from rich.markup import escape
    from rich.text import Text

    colour = COLOURS[n % len(COLOURS)]
    return _ansi(Text.from_markup(f"[bold {colour}]{escape(e.span.text)}[/][dim {colour}]|{escape(e.type)}[/]"))


def _ansi(text: object) -> str:
    from rich.console import Console

    console = Console(force_terminal=True, width=10_000)
    with console.capture() as captured:
        console.print(text, end="", soft_wrap=True)
    return captured.get()


def _relation(r: Relation) -> str:
    return f"{r.head.text} --{r.type}--> {r.tail.text}{_sure(r.confidence)}"


def _event(e: Event) -> str:
    roles = ", ".join(f"{a.role}: {a.span.text}" for a in e.arguments)
    trigger = f' "{e.trigger.text}"' if e.trigger is not None else ""
    return f"{e.type}{trigger} ({roles}){_sure(e.confidence)}"


def _sure(confidence: float | None) -> str:
    return "" if confidence is None else f"  {confidence:.2f}"
