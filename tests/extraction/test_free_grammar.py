"""Grammars of strangers: what they may cost is bounded, and none of them ends the process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.extraction.free_grammar import (
    LONGEST,
    as_spoken,
    check_grammar,
    compiled,
    lark_of_choice,
    lark_of_gbnf,
    lark_of_regex,
    lark_of_schema,
)

llguidance = pytest.importorskip("llguidance")


def chain(rules: int, form: str, name: str = "r") -> str:
    """Rules that follow one from the other."""
    lines = [f"{name}{n}: {form % f'{name}{n + 1}'}" for n in range(rules)]
    return "\n".join([f"start: {name}0", *lines, f'{name}{rules}: "a" | "b"'])


def refs(many: int, one: str) -> str:
    """A JSON schema whose definitions follow one from the other."""
    of = {f"a{n}": json.loads(one.replace("$", f"#/$defs/a{n + 1}")) for n in range(many)}
    return lark_of_schema({"$ref": "#/$defs/a0", "$defs": {**of, f"a{many}": {"type": "null"}}})


HOSTILE = {
    "brackets": 'start: ' + "(" * 2000 + '"a"' + ")" * 2000,
    "doubled tokens": chain(40, "(%s){2}", "R"),
    "doubled rules": chain(40, "(%s){2}"),
    "long chain": chain(4000, "%s"),
    "long chain of tokens": chain(1600, "(%s)+", "R"),
    "long chain of complements": chain(1200, "(~%s)&/a*/", "R"),
    "ambiguous": 'start: s\ns: s s s s | "a" | "aa" | ""',
    "states": "start: /(a|b)*a(a|b){25}/",
    "repetitions": "start: /((a{1,100}){1,100}){1,100}/",
    "deep regex": "start: /" + "(" * 10000 + "a" + ")" * 10000 + "/",
    "many": "start: " + " | ".join(f'"w{n}"' for n in range(20000)),
    "without end": "start: r{1000000}\nr: \"a\"",
    "deep schema": lark_of_schema(json.loads('{"type":"array","items":' * 90 + "{}" + "}" * 90)),
    "chain of refs": refs(600, '{"type": "array", "items": {"$ref": "$"}}'),
    "doubled refs": refs(40, '{"allOf": [{"$ref": "$"}, {"$ref": "$"}]}'),
    "remote": lark_of_schema({"$ref": "http://127.0.0.1:9/x.json"}),
    "file": lark_of_schema({"$ref": "file:///etc/passwd"}),
    "circle": lark_of_schema({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}),
    "products": lark_of_schema({"allOf": [{"anyOf": [{"properties": {f"p{n}{m}": {}}} for m in range(4)]}
                                          for n in range(30)]}),
    "large": lark_of_schema({"type": "array", "minItems": 10**9, "items": {"type": "string", "maxLength": 10**7}}),
    "divisors": lark_of_schema({"type": "integer", "multipleOf": 999999937}),
}


def follow(grammar: str) -> None:
    """Reads a grammar and follows it a while, as the engine does."""
    import numpy as np

    tokenizer = llguidance.LLTokenizer("byte")
    try:
        first = compiled(llguidance, tokenizer, grammar)
    except InputError:
        return
    executor, worst = llguidance.LLExecutor(), 0.0
    bits = np.full((2, (tokenizer.vocab_size + 31) // 32), -1, dtype=np.int32)
    pair = [first.deep_copy(), first.deep_copy()]
    for _ in range(60):
        started = time.perf_counter()
        executor.unsafe_compute_mask_ptr([(m, n) for n, m in enumerate(pair)], bits.ctypes.data, bits.shape[1] * 4, 2)
        allowed = [t for t in b'ab"[{x' if bits[0][t // 32] >> t % 32 & 1]
        for matcher in pair:
            matcher.compute_ff_tokens()
            if allowed and not matcher.is_stopped():
                matcher.consume_token(allowed[0])
        worst = max(worst, time.perf_counter() - started)
    assert worst < 1.0, worst


@pytest.mark.parametrize("name", HOSTILE)
def test_no_grammar_ends_the_process_or_takes_long(name: str) -> None:
    # In a process of its own: what is feared is the end of it.
    program = ("import sys, resource\nresource.setrlimit(resource.RLIMIT_AS, (5 << 30, 5 << 30))\n"
               f"sys.path.insert(0, {str(__file__).rpartition('/')[0]!r})\n"
               f"from test_free_grammar import HOSTILE, follow\nfollow(HOSTILE[{name!r}])\n")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, text=True)
    assert done.returncode == 0, (done.returncode, done.stderr[-500:])


@pytest.mark.parametrize(("grammar", "what"), [
    ('start: "' + "a" * LONGEST + '"', "bytes"),
    (chain(50_000, "%s")[:LONGEST - 10], "rules, brackets and repetitions"),
    (chain(15_000, "(%s)+", "R")[:LONGEST - 10], "rules, brackets and repetitions"),
])
def test_what_is_too_much_is_refused_before_it_is_read(grammar: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        check_grammar(grammar)


@pytest.mark.parametrize("grammar", ["", "start", "start: (", "start: X", "x: \"a\"", "start: @other", "start: /(/",
                                     "start: %json {\"type\": 5}", "\ufffd\u0000"])
def test_what_is_no_grammar_is_told(grammar: str) -> None:
    with pytest.raises(InputError, match="cannot be used"):
        compiled(llguidance, llguidance.LLTokenizer("byte"), grammar)


@pytest.mark.parametrize(("grammar", "right", "wrong"), [
    (lark_of_schema({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"],
                     "additionalProperties": False}), '{"a": 12}', '{"a":12}'),
    (lark_of_choice(['a"b', "人物"]), "人物", "人"),
    (lark_of_regex("a/b\\d\n?"), "a/b7", "ab7"),
    (lark_of_gbnf('root ::= "x" [0-9]+ | "y"'), "x12", "x"),
    (as_spoken('start: "a"', True, True), " a", "  a"),
])
def test_notations_say_the_same_in_lark(grammar: str, right: str, wrong: str) -> None:
    tokenizer = llguidance.LLTokenizer("byte")

    def takes(text: str) -> bool:
        matcher: Any = compiled(llguidance, tokenizer, grammar)
        return bool(matcher.consume_tokens(list(text.encode())) and matcher.is_accepting())

    assert takes(right) and not takes(wrong)


def test_bad_gbnf_is_told() -> None:
    for grammar in ("root ::= (", "::=", "root ::= \"a", "x" * (LONGEST + 1), "root ::= " + "(" * 3000):
        with pytest.raises(InputError):
            compiled(llguidance, llguidance.LLTokenizer("byte"), lark_of_gbnf(grammar))
