"""How many texts of real data can lose a clause so that a triple loses its support, what that takes, and against what.

    python benchmarks/completion.py --shared ../shared [--write]

DuIE 2.0 (zh), CoNLL04 and New York Times (en). Every text is imported, and one document made of it where one can be.
Each piece that was taken out is put back at its place and compared with the original, byte for byte. The limit of speed
is a copy: the same documents read and written without any work. The peer cuts without looking: a stretch between two
marks goes with the mark behind it, drawn among those that leave one triple with both ends in the text and another
without. Counted of both: rests in which brackets or quotation marks are no longer paired, two marks meet, the final
mark is gone, or a triple is in doubt (named still, but in no sentence together).
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from results import record

from iepile.corpus.clauses import Cut
from iepile.corpus.completion import CompletionConfig, completion
from iepile.corpus.importing import ImportConfig, import_documents
from iepile.corpus.support import Support
from iepile.jsonl import read_rows, write_rows
from iepile.records import Document
from iepile.tasks.mentions import occurs
from iepile.unified import document_from_row, document_to_row

SETS = {"DuIE2.0": "DuIE2.0/train_data_5000.json", "CoNLL04": "conll04/conll04_train.json",
        "New York Times": "New-York-Times-RE/test_triples.json"}
PAIRED = ("“”", "《》", "（）", "()", "「」", "【】", "[]")
MARKS = "，,；;。.！？!?"
STRETCH = re.compile(f"[^{MARKS}]+[{MARKS}]?")


def faults(doc: Document, cut: Cut) -> set[str]:
    """What is wrong with a text without a piece."""
    text, rest = doc.text, doc.text[: cut.start] + doc.text[cut.end :]
    found: set[str] = set()
    for pair in PAIRED:
        if (text.count(pair[0]) == text.count(pair[1])) and rest.count(pair[0]) != rest.count(pair[1]):
            found.add("brackets no longer paired")
    before, after = rest[: cut.start].rstrip()[-1:], rest[cut.start :].lstrip()[:1]
    if before and after and before in MARKS and after in MARKS:
        found.add("two marks meet")
    last = text.rstrip()[-1:]
    if last in "。.！？!?" and rest.rstrip()[-1:] not in "。.！？!?”’\"'":
        found.add("final mark gone")
    if any(s == "in doubt" for s, _ in Support(text, doc.relations).standings(cut)):
        found.add("a triple in doubt")
    return found


def cut_blindly(doc: Document, rng: random.Random) -> Cut | None:
    """The peer: any stretch between marks that takes the ends of a triple and leaves those of another."""
    pieces = [Cut(m.start(), m.end(), "clause") for m in STRETCH.finditer(doc.text)]
    rng.shuffle(pieces)
    for cut in pieces:
        rest = doc.text[: cut.start] + doc.text[cut.end :]
        kept = [occurs(r.head.text, rest) and occurs(r.tail.text, rest) for r in doc.relations]
        if any(kept) and not all(kept):
            return cut
    return None


def shares(found: Iterable[set[str]]) -> dict[str, Any]:
    """How many rests have a fault, by fault."""
    every = list(found)
    names = ("brackets no longer paired", "two marks meet", "final mark gone", "a triple in doubt")
    return {"rests": len(every), "with a fault": sum(map(bool, every))} | {
        n: sum(n in f for f in every) for n in names}


def measured(raw: Path, folder: Path, seed: int) -> dict[str, Any]:
    """The figures of one data set."""
    docs, made = folder / "docs.json", folder / "made.json"
    import_documents(ImportConfig(src_path=str(raw), tgt_path=str(docs)))
    begin = time.perf_counter()
    write_rows(folder / "copy.json", (document_to_row(document_from_row(r)) for _, r in read_rows(docs)))
    copied = time.perf_counter() - begin
    config = CompletionConfig(src_path=str(docs), tgt_path=str(made), seed=seed)
    begin = time.perf_counter()
    told = completion(config)
    taken = time.perf_counter() - begin
    whole = [document_from_row(r) for _, r in read_rows(docs)]
    completion(CompletionConfig(src_path=str(docs), tgt_path=str(folder / "both.json"), seed=seed, originals=True))
    original, same, ours = None, 0, []
    for _, row in read_rows(folder / "both.json"):
        if (about := row.get("meta", {}).get("completion")) is None:
            original = document_from_row(row)
            continue
        assert original is not None
        text, at = row["text"], about["start"]
        same += (text[:at] + about["text"] + text[at:]).encode() == original.text.encode()
        ours.append(faults(original, Cut(at, about["end"], "clause")))
    rng = random.Random(seed)
    blind = [faults(d, c) for d in whole if d.relations and (c := cut_blindly(d, rng)) is not None]
    several = sum(len(d.relations) > 1 for d in whole)
    return {
        "documents": told.documents, "with two triples or more": several, "with a variant": told.with_variants,
        "of those with two triples": round(told.with_variants / several, 3),
        "triples that lost their support": told.lost, "triples that kept it": told.supported,
        "without": told.without, "pieces": told.pieces, "put back byte for byte": same,
        "microseconds a document": round(1e6 * taken / told.documents, 1), "times a copy": round(taken / copied, 2),
        "ours": shares(ours), "cut blindly": shares(blind),
    }


def main() -> None:
    """Run the benchmark; see the top of this file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--shared", default="../shared", help="folder with data/ of real data sets")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    args = parser.parse_args()
    figures: dict[str, Any] = {}
    for name, path in SETS.items():
        with tempfile.TemporaryDirectory() as folder:
            figures[name] = measured(Path(args.shared) / "data" / path, Path(folder), args.seed)
            assert figures[name]["put back byte for byte"] == figures[name]["with a variant"]
    record("completion", args.write, figures)


if __name__ == "__main__":
    main()
