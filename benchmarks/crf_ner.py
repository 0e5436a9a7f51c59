"""A feature CRF on the same NER data as the compact model: what to beat.

    python benchmarks/crf_ner.py ../shared/data [--data resume_ner conll04]

Needs the extra `baselines`. Scores exact spans with their type, as `iepile evaluate --match offset` does.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pycrfsuite

from iepile.corpus.formats.format import read_documents
from iepile.records import Document

FILES = {
    "resume_ner": ("resume_ner/train.char.bmes", "resume_ner/test.char.bmes"),
    "conll04": ("conll04/conll04_train.json", "conll04/conll04_test.json"),
}
TOKEN = re.compile(r"[\u4e00-\u9fff]|[^\s\u4e00-\u9fff]+")
Span = tuple[int, int, str]


def tokens(text: str) -> list[tuple[int, int]]:
    """Characters of Chinese, words of the rest."""
    return [m.span() for m in TOKEN.finditer(text)]


def shape(word: str) -> str:
    return re.sub(r"[a-z]+", "a", re.sub(r"[A-Z]+", "A", re.sub(r"[0-9]+", "0", word)))


def features(words: list[str]) -> list[list[str]]:
    """Words around, couples and triples of words, and for Latin words case, shape, beginnings and endings."""
    padded = ["<s>"] * 3 + words + ["</s>"] * 3
    out = []
    for n in range(len(words)):
        at = padded[n : n + 7]
        row = [f"w{k}={w}" for k, w in enumerate(at)]
        row += [f"c{k}={at[k]} {at[k + 1]}" for k in range(1, 5)]
        row += [f"t{k}={at[k]} {at[k + 1]} {at[k + 2]}" for k in range(1, 4)] + [f"s={at[2]} {at[4]}"]
        word = at[3]
        if len(word) > 1 or word.isascii():
            for k in (2, 3, 4):
                row += [f"l{k}={at[k].lower()}", f"h{k}={shape(at[k])}"]
            row += [f"p={word[:k]}" for k in range(1, 5)] + [f"e={word[-k:]}" for k in range(1, 5)]
        out.append(row)
    return out


def tags(doc: Document, places: list[tuple[int, int]]) -> list[str]:
    """BIES tags; an entity whose borders are no token borders is left out."""
    out = ["O"] * len(places)
    starts, ends = {s: n for n, (s, _) in enumerate(places)}, {e: n for n, (_, e) in enumerate(places)}
    for e in doc.entities:
        first, last = starts.get(e.span.start or 0), ends.get(e.span.end or 0)
        if first is None or last is None:
            continue
        out[first : last + 1] = ["I-" + e.type] * (last + 1 - first)
        out[first] = ("S-" if first == last else "B-") + e.type
        if first != last:
            out[last] = "E-" + e.type
    return out


def spans(labels: list[str], places: list[tuple[int, int]]) -> Iterator[Span]:
    start: int | None = None
    for n, label in enumerate(labels):
        mark, _, type_ = label.partition("-")
        if mark in "BS":
            start = n
        if mark in "ES" and start is not None:
            yield places[start][0], places[n][1], type_
            start = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", nargs="*", default=list(FILES), choices=list(FILES))
    args = parser.parse_args()
    for name in args.data:
        train, test = ([*read_documents(args.folder / file)] for file in FILES[name])
        began = time.process_time()
        trainer = pycrfsuite.Trainer(verbose=False)
        trainer.set_params({"c1": 0.05, "c2": 0.05, "max_iterations": 60, "feature.possible_transitions": True})
        for doc in train:
            places = tokens(doc.text)
            trainer.append(features([doc.text[s:e] for s, e in places]), tags(doc, places))
        with tempfile.TemporaryDirectory() as folder:
            trainer.train(f"{folder}/model.crf")
            spent = time.process_time() - began
            tagger = pycrfsuite.Tagger()
            tagger.open(f"{folder}/model.crf")
            right = found = true = 0
            for doc in test:
                places = tokens(doc.text)
                mine = set(spans(tagger.tag(features([doc.text[s:e] for s, e in places])), places))
                gold = {(e.span.start, e.span.end, e.type) for e in doc.entities}
                right, found, true = right + len(mine & gold), found + len(mine), true + len(gold)
        print(f"{name}: CRF F1 {2 * right / (found + true):.4f} (P {right / found:.4f} R {right / true:.4f}), "
              f"{spent:.0f} CPU-seconds of training, {len(test)} test texts")


if __name__ == "__main__":
    main()
