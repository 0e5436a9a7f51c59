"""Labels alike in name and description (character n-grams), in roles, or in the types they join.

Needs nothing but the schema. "company" and "car company", 裁员 and 裁员方 share n-grams; 质押 and 解除质押
share roles as well; "born in" and "died in" join the same types.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from iepile.corpus.mining.labels import Label, Scored, Scores
from iepile.corpus.mining.vectors import cosines, overlap, shared, tf_idf, unit
from iepile.tasks.labelled import plain

DESCRIPTION = 0.5
"""What a description weighs beside a name: it says more, but of many things."""
MOST_EVIDENCE = 3
_WORDS = re.compile(r"([\u3400-\u9fff]+)|([^\W_]+)")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def ngrams(text: str) -> Counter[str]:
    """Chinese characters alone and in twos; of other words, the word and threes of its letters.

    >>> sorted(ngrams("解除质押"))
    ['押', '解', '解除', '质', '质押', '除', '除质']
    >>> sorted(ngrams("workFor"))
    ['#fo', '#wo', 'for', 'or#', 'ork', 'rk#', 'wor', 'word:for', 'word:work']
    """
    out: Counter[str] = Counter()
    for chinese, word in _WORDS.findall(_CAMEL.sub(" ", text)):
        if chinese:
            out.update(chinese)
            out.update(chinese[i : i + 2] for i in range(len(chinese) - 1))
        else:
            marked = f"#{plain(word)}#"
            grams = (marked[i : i + 3] for i in range(len(marked) - 2)) if len(word) > 1 else ()
            out.update((f"word:{plain(word)}", *grams))
    return out


def by_label_text(labels: Sequence[Label]) -> Scored:
    """Mean of the cosine of names and descriptions and, where the labels have them, overlap of roles and of types.

    Domain and range are compared both ways, for a relation and its inverse are confused too.
    """
    names = tf_idf({x.name: ngrams(x.words) for x in labels})
    told = tf_idf({x.name: ngrams(x.description) for x in labels if x.description})
    vectors: dict[str, dict[str, float]] = {}
    for x in labels:
        vectors[x.name] = unit(names[x.name])
        for f, w in unit(told.get(x.name, {})).items():
            vectors[x.name][f] = vectors[x.name].get(f, 0.0) + DESCRIPTION * w
        vectors[x.name] = dict(sorted(vectors[x.name].items()))
    words = cosines(vectors)
    scores: Scores = {x.name: {} for x in labels}
    for a in labels:
        for b in labels:
            if a is b:
                continue
            parts = [words[a.name].get(b.name, 0.0)]
            if a.roles and b.roles:
                parts.append(overlap(a.roles, b.roles))
            if (types := _types(a, b)) is not None:
                parts.append(types)
            if any(parts):
                scores[a.name][b.name] = sum(parts) / len(parts)
    known = {x.name: x for x in labels}

    def evidence(a: str, b: str) -> tuple[str, ...]:
        x, y = known[a], known[b]
        out = _readable(shared(vectors, a, b, 4 * MOST_EVIDENCE))
        if both := [r for r in x.roles if r in y.roles]:
            out += (f"{len(both)} of {len(x.roles)} roles: {', '.join(both[:MOST_EVIDENCE])}",)
        if _types(x, y):
            out += (f"types: {'/'.join(y.domain)} -> {'/'.join(y.range)}",)
        return out

    return Scored(scores, evidence)


def _readable(features: Sequence[str]) -> tuple[str, ...]:
    """The first few n-grams; threes of letters only where no whole word is shared."""
    words = [f.removeprefix("word:") for f in features if f.startswith("word:") or not f.isascii()]
    return tuple((words or [f.strip("#") + "…" for f in features])[:MOST_EVIDENCE])


def _types(a: Label, b: Label) -> float | None:
    """Overlap of domains and ranges; None where a label does not say them."""
    if not (a.domain and a.range and b.domain and b.range):
        return None
    same = (overlap(a.domain, b.domain) + overlap(a.range, b.range)) / 2
    inverse = (overlap(a.domain, b.range) + overlap(a.range, b.domain)) / 2
    return max(same, inverse)
