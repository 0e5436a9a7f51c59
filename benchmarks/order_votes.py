"""How much answers depend on the order of labels, and what a vote over orders gains.

    python benchmarks/order_votes.py [--documents 300] [--folder runs/small_model] [--write]

A language model of 2.4 M parameters, trained from scratch on résumé entities (small_model.py; ten CPU minutes the first
time), answers test texts in five label orders, four of eight labels a question, bound by the grammar. Told are F1 of
each order alone, the share of texts and facts that two orders agree on, and F1 of votes over k = 1, 3, 5 orders, with
the difference to the first order alone over 1,000 draws of the documents. The peer is the same model asked once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from order_answers import ORDERS, asked_of_model, counted, difference, f1, facts_of, options_of, stated
from results import record

from iepile.extraction.votes import vote


def orders(test: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """F1 of orders alone and of votes."""
    single = [[facts_of(d, n, "raw sum") for d in test] for n in range(ORDERS)]
    alone = [counted(test, some) for some in single]
    pairs = [(a, b) for a in range(ORDERS) for b in range(a)]
    same = fmean(set(stated(x)) == set(stated(y)) for a, b in pairs for x, y in zip(single[a], single[b], strict=True))
    both = [(set(stated(x)), set(stated(y))) for a, b in pairs for x, y in zip(single[a], single[b], strict=True)]
    out: dict[str, Any] = {
        "F1 of each order": [round(f1(c), 2) for c in alone], "mean": round(fmean(map(f1, alone)), 2),
        "worst": round(min(map(f1, alone)), 2), "texts answered alike by two orders": round(same, 3),
        "facts two orders share, of those either states": round(
            sum(len(x & y) for x, y in both) / sum(len(x | y) for x, y in both), 3),
    }
    for k in (1, 3, 5):
        for least in (0.5, 0.3):
            if k == 1 and least != 0.5:
                continue
            voted = counted(test, [vote([single[n][i] for n in range(k)], least) for i in range(len(test))])
            right, told, gold = (sum(c[n] for c in voted) for n in range(3))
            out[f"vote of {k}, least {least}"] = {
                "F1": round(f1(voted), 2), "precision": round(100 * right / told, 2),
                "recall": round(100 * right / gold, 2), "over the first order": difference(voted, alone[0])}
    return out


def main() -> int:
    options = options_of(__doc__)
    _, test = asked_of_model(options)
    record("order_votes", options.write, {"test texts": len(test), "rounds of training": options.rounds} | orders(test))
    return 0


if __name__ == "__main__":
    sys.exit(main())
