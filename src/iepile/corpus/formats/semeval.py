"""SemEval-2010 task 8: blocks of a numbered sentence, its label and a comment.

    1   "The <e1>engine</e1> of the <e2>car</e2> is new."
    Component-Whole(e1,e2)
    Comment:

The direction says which end is the head: in `Component-Whole(e2,e1)` it is e2, and the relation is named
`Component-Whole`. `Other`, which has no direction, is a label like any other. Comments go to `meta`.
"""

from __future__ import annotations

import re

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.marked import read_marked as read

_SENTENCE = re.compile(r'\d+\t".*<e1>.*</e1>.*"\s*')
_LABEL = re.compile(r"Other|[A-Z][a-z]+-[A-Z][a-z]+\(e[12],e[12]\)")


def sniff(sample: Sample) -> str | None:
    """A marked sentence, then a label of the task; or nothing but marked sentences."""
    lines = [line.strip() for line in sample.lines if line.strip()][:2]
    if not lines or not _SENTENCE.fullmatch(lines[0]):
        return None
    claimed = len(lines) == 1 or _LABEL.fullmatch(lines[1]) or _SENTENCE.fullmatch(lines[1])
    return "numbered sentences that mark <e1> and <e2>, with labels such as Cause-Effect(e1,e2)" if claimed else None


FORMAT = Format(
    "semeval", "SemEval-2010 task 8 relations, text blocks of sentence, label and comment", (".txt",), read, sniff,
    example='1\t"The <e1>engine</e1> of the <e2>car</e2> is new."\nComponent-Whole(e1,e2)\nComment:\n\n'
            '2\t"The <e1>rain</e1> came with <e2>wind</e2>."\nOther\nComment:\n',
)
