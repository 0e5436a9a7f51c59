"""Valid answers as models bend them. Each operator says whether it takes something away."""

from __future__ import annotations

import random
from collections.abc import Callable

Bend = Callable[[str, random.Random], str]


def _cut(answer: str, rng: random.Random) -> str:
    return answer[: rng.randrange(len(answer) + 1)]


def _missing(mark: str) -> Bend:
    """One of the marks between values is not written."""

    def bend(answer: str, rng: random.Random) -> str:
        places = [i for i in range(len(answer)) if answer.startswith(mark, i)]
        if not places:
            return answer
        at = rng.choice(places)
        return answer[:at] + answer[at + len(mark) :]

    return bend


WHOLE: dict[str, Bend] = {
    "fence": lambda a, rng: f"```json\n{a}\n```",
    "open fence": lambda a, rng: f"```\n{a}",
    "talk": lambda a, rng: f"Here is what I found:\n{a}\nI hope this helps!",
    "Chinese talk": lambda a, rng: f"根据文本，抽取结果如下：{a}。以上是全部结果。",
    "byte order mark": lambda a, rng: "\ufeff" + a,
    "thought": lambda a, rng: f'<think>Maybe {{"nobody": ["x"]}}?</think>\n{a}',
    "single quotes": lambda a, rng: a.replace('"', "'"),
    "Chinese quotes": lambda a, rng: "".join(
        ("“", "”")[a[:i].count('"') % 2] if c == '"' else c for i, c in enumerate(a)),
    "full-width marks": lambda a, rng: a.replace('", "', '"，"').replace('": ', '"：'),
    "trailing commas": lambda a, rng: a.replace('"]', '",]').replace("]}", "],}"),
    "Python": lambda a, rng: a.replace('"', "'").replace("[]", "None"),
    "comments": lambda a, rng: a.replace(", ", ", // next\n", 1).replace("{", "{ /* answer */ ", 1),
    "twice": lambda a, rng: f"{a}\n{a}",
    "no opening bracket": lambda a, rng: a[1:],
    "one bracket too many": lambda a, rng: a + "}",
    "double-encoded": lambda a, rng: '"' + a.replace('"', '\\"') + '"',
    "line breaks": lambda a, rng: a.replace(", ", ",\n  ").replace("{", "{\n  "),
    "double braces": lambda a, rng: "{" + a + "}",
}
"""Nothing is lost."""
LOSING: dict[str, Bend] = {
    "cut": _cut,
    "comma": _missing(", "),
    "quotation mark": _missing('"'),
    "bracket": _missing("]"),
    "brace": _missing("}"),
    "colon": _missing(":"),
}
"""Something may be lost, nothing may be added."""
