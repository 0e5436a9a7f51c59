"""How far mentions can be trusted to be placed right: recall and false placements of each rung, zh and en.

    python benchmarks/grounding.py [--texts 400] [--write]

Right mentions are gold mentions as answers bend them (case, widths, blanks, marks, a wrong, missing or added
character): they are to be placed where the gold mention stands. Wrong mentions are those of other texts, which this
text does not hold: they are to be placed nowhere. Peer: exact search, the first rung alone. Speed: a text with 20
mentions, half of them bent.
"""

from __future__ import annotations

import argparse
import os
import random
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from results import record

from iepile.corpus.formats.format import read_documents
from iepile.extraction import alignment
from iepile.extraction.grounding import ground
from iepile.records import Entity, Facts, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
FILES = {
    "zh": ["resume_ner/test.char.bmes", "DuEE1.0/duee_dev.json"],
    "en": ["conll04/conll04_test.json", "SciERC/test.json"],
}
WRONG = ("another number", "of another text")
LENGTHS = ((3, 4), (5, 7), (8, 12), (13, 24), (25, 200))
"""Characters of a mention, levelled."""


def swap(m: str, rng: random.Random) -> str:
    at = rng.randrange(len(m))
    others = "的一国人大中" if ord(m[at]) > 0x2E7F else "aeintr"
    return m[:at] + rng.choice([c for c in others if c != m[at]]) + m[at + 1 :]


def drop(m: str, rng: random.Random) -> str:
    at = rng.randrange(len(m))
    return m[:at] + m[at + 1:]


def add(m: str, rng: random.Random) -> str:
    at = rng.randrange(len(m) + 1)
    return m[:at] + rng.choice("的了是" if any(ord(c) > 0x2E7F for c in m) else "aes") + m[at:]


def widen(m: str, rng: random.Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in m)


BENDS: dict[str, Callable[[str, random.Random], str]] = {
    "case": lambda m, rng: m.swapcase(),
    "widths": widen,
    "blanks dropped": lambda m, rng: "".join(m.split()),
    "blanks added": lambda m, rng: " ".join(m) if ord(m[0]) > 0x2E7F else m.replace(" ", "  "),
    "line end": lambda m, rng: m.replace(" ", "\n") if " " in m else m[: len(m) // 2] + "\n" + m[len(m) // 2 :],
    "marks around": lambda m, rng: f"“{m}”。",
    "decomposed": lambda m, rng: unicodedata.normalize("NFD", m),
    "a character changed": swap,
    "a character dropped": drop,
    "a character added": add,
}


def documents(language: str, most: int, rng: random.Random) -> list[tuple[str, list[Span]]]:
    found = []
    for file in FILES[language]:
        docs = [(d.text, [s for s in d.facts.spans() if s.grounded]) for d in read_documents(SHARED / "data" / file)]
        docs = [d for d in docs if d[1]]
        found += rng.sample(docs, min(most // 2, len(docs)))
    return found


def cases(docs: list[tuple[str, list[Span]]], rng: random.Random) -> Iterator[tuple[str, str, str, str | None]]:
    """(text, kind, mention, what it should be placed on)."""
    mentions = [s.text for _, spans in docs for s in spans]
    for text, spans in docs:
        level = alignment.normalise(text)[0]
        for span in rng.sample(spans, min(3, len(spans))):
            for kind, bend in BENDS.items():
                bent = bend(span.text, rng)
                if bent != span.text and bent not in text:
                    yield text, kind, bent, span.text
        for span in spans:
            if digits := [i for i, c in enumerate(span.text) if c.isdecimal()]:
                at = rng.choice(digits)
                other = span.text[:at] + str((int(span.text[at]) + rng.randint(1, 9)) % 10) + span.text[at + 1 :]
                if alignment.normalise(other)[0] not in level:
                    yield text, "another number", other, None
        for _ in range(12):
            other = rng.choice(mentions)
            if (short := alignment.normalise(other)[0]) and short not in level:
                yield text, "of another text", other, None


def length_of(mention: str) -> str:
    n = len(alignment.normalise(mention)[0])
    return next((f"{a}-{b}" for a, b in LENGTHS if a <= n <= b), "1-2")


def judge(docs: list[tuple[str, list[Span]]], rng: random.Random) -> dict[str, Any]:
    rungs: Counter[tuple[str, str, str]] = Counter()
    scores: list[tuple[str, float, str]] = []
    for text, kind, mention, gold in cases(docs, rng):
        placement = ground(Facts((Entity("x", Span(mention)),)), text).placements[0]
        verdict = "none"
        if placement.span.grounded:
            same = gold is not None and alignment.normalise(placement.span.text)[0] == alignment.normalise(gold)[0]
            verdict = "right" if same else "near" if gold is not None else "false"
        rungs[kind, placement.method, verdict] += 1
        if placement.method in ("fuzzy", "none"):
            scores.append((length_of(mention), placement.score, verdict))
    kinds = {}
    for kind in (*BENDS, *WRONG):
        of = {f"{m} {v}": n for (k, m, v), n in sorted(rungs.items()) if k == kind}
        if total := sum(of.values()):
            kinds[kind] = {"mentions": total} | {k: round(100 * n / total, 1) for k, n in of.items()}
    right = sum(n for (k, _, v), n in rungs.items() if v == "right")
    bent = sum(n for (k, _, _), n in rungs.items() if k not in WRONG)
    other = sum(n for (k, _, _), n in rungs.items() if k in WRONG)
    false = sum(n for (_, _, v), n in rungs.items() if v == "false")
    fuzzy = Counter((length, v) for length, score, v in scores if score)
    return {
        "bent mentions": bent, "placed right, %": round(100 * right / bent, 2),
        "exact search alone, %": 0.0,
        "placed near, %": round(100 * sum(n for (_, _, v), n in rungs.items() if v == "near") / bent, 2),
        "mentions that are not there": other, "placed falsely, %": round(100 * false / other, 2),
        "by kind, %": kinds,
        "fuzzy by length": {a: {v: fuzzy[a, v] for v in ("right", "near", "false")}
                            for a in [f"{x}-{y}" for x, y in LENGTHS]},
    }


def speed(docs: list[tuple[str, list[Span]]], length: int, rng: random.Random) -> float:
    """Milliseconds to place 20 mentions in a text of `length` characters, half of them bent."""
    text, mentions = "", []
    while len(text) < length:
        piece, spans = rng.choice(docs)
        text += piece + "\n"
        mentions += [s.text for s in spans]
    mentions = rng.sample(mentions, 20)
    facts = Facts(tuple(Entity("x", Span(swap(m, rng) if n % 2 else m)) for n, m in enumerate(mentions)))
    times = []
    for _ in range(5):
        start = time.process_time()
        ground(facts, text[:length])
        times.append(time.process_time() - start)
    return round(1000 * min(times), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    figures: dict[str, Any] = {"least score by length": alignment.FUZZY_SCORES}
    for language in FILES:
        rng = random.Random(1)
        docs = documents(language, args.texts, rng)
        figures[language] = judge(docs, rng) | {
            "ms for 20 mentions": {n: speed(docs, n, rng) for n in (5_000, 50_000)}}
    record("grounding", args.write, figures)


if __name__ == "__main__":
    main()
