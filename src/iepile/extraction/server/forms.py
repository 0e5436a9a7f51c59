"""The grammar of an answer in the notation of each step: Lark, GBNF or JSON schema."""

from __future__ import annotations

from typing import Any

import msgspec

from iepile.extraction.engines.engine import Request
from iepile.extraction.gbnf import gbnf
from iepile.extraction.grammar import lark
from iepile.extraction.server.dialects import Dialect, Step
from iepile.extraction.server.json_schema import json_schema
from iepile.tasks.shape import Shape


def verbatim_of(request: Request, most: int | None) -> dict[str, Any]:
    """What a server of ours is told, which writes the grammar of a request itself.

    Args:
        most: most elements of a list; None: no bound.
    """
    form = {"type": "iepile", "task": request.task, "max_items": most or 0}
    return form | ({"values": msgspec.to_builtins(request.values)} if request.values else {})


def grammar_of(step: Step, shape: Shape, text: str, most: int | None, dialect: Dialect) -> str | dict[str, Any] | None:
    """The grammar of all answers of `shape` about `text`; None where the notation cannot say it.

    Args:
        most: most elements of a list; None: no bound.

    Raises:
        InputError: no answer is possible, or the text is too long for a grammar.
    """
    # Models with a SentencePiece tokenizer begin an answer with a blank; nobody tells us which do.
    if step == "lark":
        return lark(shape, text, most=most, leading_space=True, local=False)
    if step == "gbnf":
        return gbnf(shape, text, most=most, leading_space=True)
    return json_schema(shape, text, most=most, strict=dialect.strict_schemas)
