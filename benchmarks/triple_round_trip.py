"""How many triples are damaged when they are written as an answer and read back, layout by layout.

    python benchmarks/triple_round_trip.py [--triples 10000] [--seed 1] [--write]

Made triples, half Chinese and half English, with commas, brackets of both widths, nested and unbalanced, quotation
marks, numbers such as 2,424, full-width signs, escapes and line breaks (tests/tasks/odd_triples.py). Answers of one to
five triples are written in the form of the guide and in the four layouts, and read twice: with the relations of the
question known, and without. A layout that has no way to hold an answer says so before it is written; those are
counted, and conversion asks them in brackets. Peer: the guide's own road, `(head,relation,tail)` as it stands and a
regular expression; the reader here is given the same text. Exit code 1 where one triple is damaged.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from results import record

from iepile.graph.ccks2023 import legacy_triples
from iepile.instructions.triple_question import Style, answer, styles
from iepile.tasks.triple_text import read_triples, write_triples
from tasks.odd_triples import KINDS, RELATIONS, Triple, odd_triples

GUIDE = "form of the guide"


def answers(n: int, language: str, seed: int) -> list[tuple[list[str], list[Triple]]]:
    """The triples, one to five an answer, with the kind of each."""
    made, rng, out = odd_triples(n, language, seed), random.Random(seed), []
    rng.shuffle(made)
    while made:
        size = rng.randint(1, 5)
        out.append(([kind for kind, _ in made[:size]], [triple for _, triple in made[:size]]))
        del made[:size]
    return out


def intact(found: list[list[str]], wanted: list[Triple]) -> list[bool]:
    """Which of the triples were read as they were, those that were read twice or made up taken off."""
    have = Counter(map(tuple, found))
    right = []
    for triple in wanted:
        right.append(have[triple] > 0)
        have[triple] -= 1
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    args = parser.parse_args()
    layouts: dict[str, Counter[str]] = {}
    roads = {name: Counter[str]() for name in ("guide", "ours")}
    kinds = {kind: Counter[str]() for kind in KINDS}
    seconds = dict.fromkeys(roads, 0.0)
    examples: list[str] = []
    for language in ("zh", "en"):
        asked = set(RELATIONS[language])
        for of, triples in answers(args.triples // 2, language, args.seed):
            written: dict[str, str | None] = {GUIDE: write_triples(triples)}
            for n, layout in enumerate(styles(language).layouts):
                written[layout.strip()] = answer(triples, Style(0, n), language, RELATIONS[language])
            for name, text in written.items():
                count = layouts.setdefault(name, Counter())
                if text is None:
                    count["asked in brackets instead"] += len(triples)
                    continue
                text = json.loads(json.dumps({"output": text}, ensure_ascii=False))["output"]
                for known in (asked, ()):
                    reading = read_triples(text, known)
                    same = [list(t) for t in triples] == reading.triples and not reading.problems
                    count["known" if known else "unknown", "damaged"] += 0 if same else len(triples) - sum(
                        intact(reading.triples, triples)) or len(triples)
                    if not same and len(examples) < 5:
                        examples.append(f"{name} {bool(known)} {text!r} {reading.triples}")
                count["written"] += len(triples)
            plain = "".join(f"({h},{r},{t})" for h, r, t in triples)
            for road, read in (("guide", legacy_triples), ("ours", lambda s, a=asked: read_triples(s, a).triples)):
                started = time.perf_counter()
                found = read(plain)
                seconds[road] += time.perf_counter() - started
                for kind, right in zip(of, intact(found, triples), strict=True):
                    roads[road]["damaged"] += not right
                    kinds[kind][road] += not right
            for kind in of:
                kinds[kind]["triples"] += 1
    for line in examples:
        print("DAMAGED", line)
    total = sum(k["triples"] for k in kinds.values())
    table: dict[str, Any] = {name: {
        "written": c["written"], "asked in brackets instead": c["asked in brackets instead"],
        "damaged, relations known": c["known", "damaged"], "damaged, relations unknown": c["unknown", "damaged"],
    } for name, c in layouts.items()}
    damaged = sum(t["damaged, relations known"] + t["damaged, relations unknown"] for t in table.values())
    guide, ours = (roads[r]["damaged"] for r in ("guide", "ours"))
    record("triple_round_trip", args.write, {
        "triples": total, "damaged": damaged, "layouts": table,
        "written_as_the_guide_does": {
            "damaged by the guide's regular expression": guide, "damaged by the reader here": ours,
            "ratio": round(guide / max(ours, 1), 1),
            "by_kind": {k: {"triples": c["triples"], "guide": c["guide"], "ours": c["ours"]} for k, c in kinds.items()},
            "triples a second": {r: round(total / s) for r, s in seconds.items()}}})
    return 1 if damaged else 0


if __name__ == "__main__":
    sys.exit(main())
