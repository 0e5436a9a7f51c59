"""Two events of one type in one sentence: does each keep its own arguments?

    python benchmarks/compact_grouping.py ../shared/data --models runs/benchmark --seeds 0 1

On the sentences of DuEE's dev and test splits (those of compact_f1.py) that have several events of one type. The
triggers are told; counted are the fillers found for a role that some event of this type in the sentence does have in
this role. `right` is the share of them hung on the events they belong to and on no other; `nearest` the same when every
filler goes to the nearest trigger, `all` when it goes to every event, as where events of a type are merged.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from compact_f1 import DATA, trained

from iepile.models.compact.example import Example, Label, Offsets, Question
from iepile.models.compact.model import CompactModel


def crowded(examples: Sequence[Example]) -> list[tuple[Example, Label, tuple[Offsets, ...]]]:
    """Sentence, event type and triggers, where there are several."""
    return [
        (x, name, tuple(sorted(set(spans))))
        for x in examples for name, spans in sorted(x.spans.items())
        if name.kind == "trigger" and len(set(spans)) > 1
    ]


def gap(a: Offsets, b: Offsets) -> int:
    return max(a[0] - b[1], b[0] - a[1], 0)


def measure(model: CompactModel, examples: Sequence[Example]) -> dict[str, object]:
    cases = crowded(examples)
    questions = [
        Question((), tuple(p for p in x.asked_pairs if p.of == name.text), {name: triggers})
        for x, name, triggers in cases
    ]
    answers = model.predict([x.text for x, _, _ in cases], questions)
    fillers = right = nearest = everywhere = 0
    for (x, _, triggers), question, answer in zip(cases, questions, answers, strict=True):
        for role in question.pairs:
            found: dict[Offsets, set[Offsets]] = {}
            for trigger, filler, _ in answer.pairs[role]:
                found.setdefault(filler, set()).add(trigger)
            for filler, mine in found.items():
                owners = {t for t, f in x.pairs.get(role, ()) if f == filler}
                if owners:
                    fillers += 1
                    right += mine == owners
                    nearest += {min(triggers, key=lambda t: (gap(t, filler), t))} == owners
                    everywhere += set(triggers) == owners
    share = {"right": right, "nearest": nearest, "all": everywhere}
    return {"sentences": len(cases), "fillers": fillers,
            **{k: round(n / max(1, fillers), 3) for k, n in share.items()}}


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with DuEE1.0/")
    parser.add_argument("--models", type=Path, required=True, help="where the trained models are, or are to be")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--max_steps", type=int, help="shorter training, to try the script")
    args = parser.parse_args(None if arguments is None else list(arguments))
    torch.set_num_threads(1)
    splits = DATA["duee"](args.folder)
    for seed in args.seeds:
        model = trained("duee", splits, seed, args.models / f"duee-{seed}", args.max_steps)
        print(json.dumps({"seed": seed, **measure(model, [*splits[1], *splits[2]])}), flush=True)


if __name__ == "__main__":
    main()
