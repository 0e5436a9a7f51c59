"""KBP37: blocks of a numbered sentence and its label, in SemEval's form but with the labels of TAC KBP.

    1   "In <e1> Paris </e1> she joined <e2> Example Corp </e2> as a clerk ."
    per:employee_of(e2,e1)

The blanks inside the marks do not belong to the mentions; a few mentions are nothing but a blank, and their
relation is left out (EMPTY_MENTION). `no_relation` has no direction and is a label like any other.
"""

from __future__ import annotations

import re

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.marked import read_marked as read

_SENTENCE = re.compile(r"\d+\t.*<e1>.*</e1>.*")
_LABEL = re.compile(r"no_relation|(per|org):.+\(e[12],e[12]\)")


def sniff(sample: Sample) -> str | None:
    """A marked sentence, then a label of TAC KBP."""
    lines = [line.strip() for line in sample.lines if line.strip()][:2]
    claimed = len(lines) == 2 and _SENTENCE.fullmatch(lines[0]) and _LABEL.fullmatch(lines[1])
    return "numbered sentences that mark <e1> and <e2>, with labels such as per:spouse(e1,e2)" if claimed else None


FORMAT = Format(
    "kbp37", "KBP37 relations, text blocks of sentence and label", (".txt",), read, sniff,
    example='1\t"In 1990 <e1> Example Corp </e1> hired <e2> Ada Bird </e2> as a clerk ."\nper:employee_of(e2,e1)\n\n\n'
            '2\t"<e1> Ada </e1> never saw <e2> Rome </e2> ."\nno_relation\n',
)
