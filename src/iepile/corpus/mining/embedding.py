"""Labels alike for an embedding model: any that sentence-transformers opens, by name or folder.

Needs the extra `embeddings`. What is embedded is the label's name, and its description where it has one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from iepile.corpus.mining.labels import Label, Scored, Scores
from iepile.errors import InputError, MissingDependency


def by_embedding(labels: Sequence[Label], model: str) -> Scored:
    """Cosine of the labels' embeddings around their mean; what points away from a label is no neighbour of it.

    Embeddings of short texts share a large common part, which says nothing about any pair: the mean takes it
    away (Mu and Viswanath 2018). With fewer than three labels there is no such mean, and the plain cosine serves.

    Raises:
        MissingDependency: sentence-transformers is not installed.
        InputError: no such model.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise MissingDependency("sentence-transformers", "embeddings", "mining by embeddings") from None
    try:
        encoder = SentenceTransformer(model, device="cpu")
    except (OSError, ValueError) as e:
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise InputError(f"no embedding model {model!r}: {reason}", field="embedding_model",
                         expected="a folder, or a name on the hub",
                         fix="check the name, or download it first") from None
    texts = [f"{x.words}: {x.description}" if x.description else x.words for x in labels]
    # One text at a time: in a batch, padding changes the last digits, and with them perhaps an order.
    rows = [encoder.encode(text, show_progress_bar=False).tolist() for text in texts]
    vectors = _around_mean(rows) if len(rows) > 2 else rows
    scores: Scores = {}
    for a, u in zip(labels, vectors, strict=True):
        row = {b.name: _cosine(u, v) for b, v in zip(labels, vectors, strict=True) if a is not b}
        scores[a.name] = {name: min(s, 1.0) for name, s in row.items() if s > 0}
    plain = {(a.name, b.name): _cosine(u, v) for a, u in zip(labels, rows, strict=True)
             for b, v in zip(labels, rows, strict=True)}
    return Scored(scores, lambda a, b: (f"cosine {plain[a, b]:.3f} in {model}",))


def _around_mean(rows: list[list[float]]) -> list[list[float]]:
    mean = [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
    return [[x - m for x, m in zip(row, mean, strict=True)] for row in rows]


def _cosine(u: list[float], v: list[float]) -> float:
    lengths = math.sqrt(math.fsum(x * x for x in u) * math.fsum(y * y for y in v))
    return math.fsum(x * y for x, y in zip(u, v, strict=True)) / lengths if lengths else 0.0
