"""Questions in plain words about texts that lack a piece: they say that missing triples are to be completed.

>>> completing("…关系类型为{'国籍'},以(头实体,关系,尾实体)的形式回答", "zh")[:31]
'下面的文本缺少了一段文字,因此缺失的三元组也请补全。…关系类型'

That a question says so is read by `tasks.triple_shape.asks_to_complete`.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from iepile.errors import InputError
from iepile.instructions.triple_question import styles


def completing(question: str, language: str) -> str:
    """The question, with the request to complete before it.

    Raises:
        InputError: the language has no words for it.
    """
    return _words(language) + question


@cache
def _words(language: str) -> str:
    try:
        styles(language)
    except InputError as e:
        raise InputError(f"no words for completion in language {language!r}", field="completion",
                         expected=e.expected, fix="give --completion silent, and say it in your own wording") from None
    data = files("iepile.instructions").joinpath("triples", f"{language}.toml").read_text("utf-8")
    return str(tomllib.loads(data)["completion"])
