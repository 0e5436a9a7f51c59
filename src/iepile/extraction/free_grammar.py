r"""Grammars of others: what a request brings is looked at and bounded before the grammar machine (llguidance) reads it.

The machine gives up by itself where a grammar needs too many states, and catches its own panics; but it follows rules
by recursion, and a chain of some ten thousand of them would end the process. So the text is bounded, what can nest in
it is counted, and it is read in a thread with a large stack. Its limits are lower than those of our own grammars
(grammar.py), so that no answer holds up the others of its batch: a step takes some 20 milliseconds at most.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from iepile.errors import InputError

LONGEST = 256 << 10
"""Bytes of a grammar. One of 100,000 alternatives, 1 MiB, took 12 seconds to read; a quarter of that takes one."""
MOST_NESTED = 5_000
"""Rules, brackets and repetitions of a grammar together: as deep as it can get. 15,000 of them, one in the other, end
the process when a thread with a stack of 2 MiB follows them; 5,000 do not."""
STACK = 512 << 20
"""Bytes of stack for reading; only what is used is ever taken."""
_LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"i?|/(?:[^/\\\n]|\\.)*/[a-z]*|//[^\n]*|\#[^\n]*')
_NESTS = re.compile(r"[(\[{~+*?&:]")
_START = re.compile(r"^start(?=\s*[:\[.])", re.M)
_LOCK = threading.Lock()
A = TypeVar("A")


def check_grammar(grammar: str) -> None:
    """Look at a grammar in Lark's notation.

    Raises:
        InputError: it is too long, or may nest too deep.
    """
    if (size := len(grammar.encode("utf-8", "surrogatepass"))) > LONGEST:
        raise InputError(f"the grammar has {size} bytes", field="grammar", expected=f"at most {LONGEST}")
    # Brackets inside literals do not nest, those of JSON and of regular expressions the machine bounds itself.
    if (many := len(_NESTS.findall(_LITERAL.sub("", grammar)))) > MOST_NESTED:
        raise InputError(f"the grammar has {many} rules, brackets and repetitions", field="grammar",
                         expected=f"at most {MOST_NESTED} together")


def compiled(lib: Any, tokenizer: Any, grammar: str) -> Any:
    """A matcher of a grammar (llguidance's `LLMatcher`), to be copied for each answer.

    Args:
        lib: the module llguidance.
        tokenizer: its `LLTokenizer`.

    Raises:
        InputError: the grammar cannot be used, or costs too much.
    """
    check_grammar(grammar)
    limits = lib.LLParserLimits(step_lexer_fuel=200_000, initial_lexer_fuel=1_000_000, max_lexer_states=50_000,
                                step_max_items=20_000, max_grammar_size=500_000)
    matcher = _with_stack(lambda: lib.LLMatcher(tokenizer, lib.LLMatcher.grammar_from_lark(grammar), limits=limits,
                                                log_level=0))
    if matcher.is_error() or not any(matcher.compute_bitmask()):
        raise InputError(f"the grammar cannot be used: {told(matcher)}", field="grammar")
    return matcher


def told(matcher: Any) -> str:
    """What a matcher says is wrong, in one line."""
    said = matcher.get_error().split("\n<state>")[0].split("\n<backtrace>")[0]
    return " ".join(said.split())[:300] or "it allows nothing"


def lark_of_schema(schema: Any) -> str:
    """The grammar of the JSON that a JSON schema allows, with blanks where our answers have them.

    Raises:
        InputError: no JSON schema.
    """
    if not isinstance(schema, dict):
        raise InputError("not a JSON schema", field="schema", expected='an object such as {"type": "object"}')
    form = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return "start: %json " + json.dumps(schema | {"x-guidance": form}, ensure_ascii=False)


def lark_of_choice(options: list[str]) -> str:
    """The grammar of some texts.

    Raises:
        InputError: there is none.
    """
    if not options or not all(options):
        raise InputError("no text to choose from", field="choice", expected="texts that are not empty")
    return "start: " + " | ".join(json.dumps(o) for o in options)


def lark_of_regex(regex: str) -> str:
    """The grammar of what a regular expression matches from beginning to end."""
    escaped = re.sub(r"\\.|/|\n", lambda m: {"/": "\\/", "\n": "\\n"}.get(m[0], m[0]), regex, flags=re.S)
    return f"start: /{escaped}/"


def lark_of_gbnf(grammar: str) -> str:
    """The same grammar in Lark's notation.

    Raises:
        InputError: not GBNF.
    """
    from llguidance.gbnf_to_lark import GbnfToLarkError, gbnf_to_lark

    if len(grammar) > LONGEST:
        raise InputError(f"the grammar has {len(grammar)} characters", field="grammar", expected=f"at most {LONGEST}")
    try:
        return str(gbnf_to_lark(grammar))
    except (GbnfToLarkError, ValueError, IndexError, KeyError, RecursionError) as e:
        raise InputError(f"not a grammar in GBNF: {e or type(e).__name__}", field="grammar") from None


def as_spoken(grammar: str, leading_space: bool, no_forcing: bool) -> str:
    """A grammar in Lark's notation, as one tokenizer needs it.

    Args:
        leading_space: allow one blank before the answer, as SentencePiece models write it.
        no_forcing: needed where the grammar spells out a special token of the tokenizer.
    """
    if leading_space:
        grammar = _START.sub('start: (" ")? answer_without_blank\nanswer_without_blank', grammar, count=1)
    if no_forcing and not grammar.lstrip().startswith("%llguidance"):
        grammar = '%llguidance {"no_forcing": true}\n' + grammar
    return grammar


def _with_stack(work: Callable[[], A]) -> A:
    """Do something in a thread with a large stack; one at a time."""
    found: list[A] = []
    thread = threading.Thread(target=lambda: found.append(work()), name="grammar", daemon=True)
    with _LOCK:
        before = threading.stack_size(STACK)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
        thread.join()
    if not found:
        raise InputError("the grammar cannot be read", field="grammar")
    return found[0]
