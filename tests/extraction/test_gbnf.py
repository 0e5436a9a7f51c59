"""GBNF says what Lark says: by a reader of our own, and opt-in by xgrammar and llama.cpp themselves."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extraction.test_grammar import LL, accepts, sample
from gbnf_reader import GbnfReader
from iepile.errors import InputError
from iepile.extraction.grammar import LONGEST_TEXT, gbnf, lark
from iepile.tasks import Item, get_task, task_names
from iepile.tasks.shape import (
    MENTION,
    MENTIONS,
    Bare,
    Choice,
    Free,
    InOrder,
    ListOf,
    OneOf,
    Pattern,
    Shape,
    Text,
    Words,
)
from iepile.values import NUMBER
from tasks.hostile import cases

each_task = pytest.mark.parametrize("name", task_names())
RELATION = OneOf((Text("r"), Text("国籍")))
TRIPLE = InOrder((Text("("), Bare("(),\n", ' "'), Text(","), RELATION, Text(","), Words("(),", 4), Text(")")))
SAID: dict[str, tuple[Shape, str, dict[str, bool]]] = {
    "mention": (MENTIONS, 'Ada "x"\n康有为\\\x7f\u2028\x01\x85', {
        '["Ada"]': True, "[]": True, '["Ada \\"x\\"\\n康"]': True, '["\\u0001\x85"]': True, '["\x7f\u2028"]': True,
        '["A", "d"]': True, '["\\\\"]': True, '["\\"]': False, '["b"]': False, '["Ada",]': False,
        '["da ", "aA"]': False,
    }),
    "free": (Free(3), "x", {
        '"ab"': True, '"abcd"': False, '""': False, '"康\\n\\""': True, '"\\u001b"': True, '"\\u0041"': False,
        '"a\nb"': False, '"\x7f"': True, '"\\': False,
    }),
    "pattern": (Pattern(r'-?\d{1,3}(\.[^a]+)?|"x|[\n\-\]]+'), "x", {
        '"12"': True, '"-1.b"': True, '"-1.a"': False, '"1234"': False, '"\\"x"': True, '"\\n-]"': True, '"é"': False,
    }),
    "number": (Pattern(NUMBER), "x", {'"12.5"': True, '"-0"': True, '"1."': False, "12": False}),
    "choice": (ListOf(Choice(('红"', "blue"))), "x", {'["红\\""]': True, '["blue", "红\\""]': True, '["red"]': False}),
    "triple": (TRIPLE, 'Ada, (b) "q" 康/x\\', {
        "(Ada,r,x)": True, "(b,国籍,abcd)": True, "(b,国籍,abcde)": False, "( b,r,x)": False, "(,r,x)": False,
        "(Ad a,r,x)": False, "(康/x\\,r,/)": True, '("q,r,x)': False, '(q",r,x)': True, "(Ada, ,r,x)": False,
        "(b) ,r,x)": False,
    }),
    "lines": (OneOf((ListOf(InOrder((Text("("), Bare("(),"), Text(")"))), 1, "", "\n"), Text("NAN"))), "Ab,c", {
        "NAN": True, "(Ab)": True, "(Ab)\n(c)": True, "(Ab)(c)": False, "": False, "(Ab)\n": False,
    }),
    "labels": (ListOf(Choice(("a ::= b", "\x7f\x85", "start: x\n"))), "a ::= b", {
        '["a ::= b"]': True, '["\x7f\x85", "start: x\\n"]': True, '["a := b"]': False,
    }),
    "nothing between": (ListOf(TRIPLE, 0, "", ""), "Ab", {
        "": True, "(Ab,r,x)(b,r,y)": True, "(Ab,r,x), (b,r,y)": False,
    }),
}
each_shape = pytest.mark.parametrize(("shape", "text", "answers"), SAID.values(), ids=SAID)


def check(accepted: Callable[[str], bool], answers: dict[str, bool]) -> None:
    assert {a: accepted(a) for a in answers} == answers


@each_shape
def test_all_notations_say_the_same(shape: Shape, text: str, answers: dict[str, bool]) -> None:
    check(GbnfReader(gbnf(shape, text)).accepts, answers)
    for local in (True, False):
        grammar = lark(shape, text, local=local, no_forcing=True)
        assert "::=" not in grammar  # vLLM would take it for GBNF
        check(lambda answer, grammar=grammar: accepts(grammar, answer), answers)  # type: ignore[misc]


@each_task
@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_answers_of_tasks_in_both_notations(name: str, data: st.DataObject, seed: int) -> None:
    task, rng = get_task(name), random.Random(seed)
    text, items, facts = data.draw(cases(task))
    shape = task.shape(items)
    reader, grammar = GbnfReader(gbnf(shape, text, most=3)), lark(shape, text, most=3, no_forcing=True)
    unbounded = GbnfReader(gbnf(shape, text))
    assert unbounded.accepts(task.answer_text(facts, items, text))
    answer = reader.draw(rng)
    assert accepts(grammar, answer)
    read = task.parse(answer, items)
    assert read.valid, read.problems
    assert all(s.text and s.text in text for s in read.facts.spans())
    ids = list(sample(grammar, "bytes", rng, 300))
    if len(ids) < 300:
        assert reader.accepts(text_of(ids))


def text_of(ids: list[int]) -> str:
    return str(LL["bytes"].decode_bytes(ids).decode())


def test_lists_are_bounded() -> None:
    for least, most in ((0, 2), (2, 3), (2, 1), (0, 1), (1, None)):
        reader = GbnfReader(gbnf(ListOf(MENTION, least), "abc", most=most))
        for n in range(6):
            want = n >= least and (most is None or n <= max(most, least))
            assert reader.accepts(json.dumps(["a"] * n)) == want, (least, most, n)


def test_one_blank_before_the_answer_where_asked() -> None:
    reader = GbnfReader(gbnf(MENTIONS, "x", leading_space=True))
    assert [reader.accepts(a) for a in ('["x"]', ' ["x"]', '  ["x"]')] == [True, True, False]
    assert not GbnfReader(gbnf(MENTIONS, "x")).accepts(' ["x"]')


def test_bad_input() -> None:
    with pytest.raises(InputError, match="lone surrogate"):
        gbnf(MENTIONS, "a\ud800")
    with pytest.raises(InputError, match="lone surrogate"):
        gbnf(get_task("NER").shape([Item("a\udfff")]), "a")
    with pytest.raises(InputError, match="cut it into windows"):
        gbnf(MENTIONS, "a" * (LONGEST_TEXT + 1))
    with pytest.raises(InputError, match="every answer needs a mention"):
        gbnf(InOrder((Text("a"), MENTION)), "")
    with pytest.raises(InputError, match="nothing that may be mentioned"):
        gbnf(TRIPLE, "(),\n \"")
    assert GbnfReader(gbnf(MENTIONS, "")).accepts("[]")


def test_three_hundred_labels() -> None:
    labels = [f'label "{n}"\n' for n in range(300)]
    shape = get_task("NER").shape([Item(label) for label in labels])
    answer = json.dumps({label: ["Ada"] if n == 299 else [] for n, label in enumerate(labels)})
    assert GbnfReader(gbnf(shape, "Ada")).accepts(answer)
    assert accepts(lark(shape, "Ada"), answer)
    assert not GbnfReader(gbnf(shape, "Ada")).accepts(answer.replace("Ada", "Bob"))


@pytest.mark.slow
@pytest.mark.parametrize("characters", ["康有为字广厦，生于南海。", "The quick brown fox; ", "a", 'ab"\\\n'])
def test_the_size_is_linear(characters: str) -> None:
    rng = random.Random(0)
    text = "".join(rng.choice(characters) for _ in range(LONGEST_TEXT))
    sizes = {n: len(gbnf(MENTIONS, text[:n])) for n in (5_000, 50_000)}
    assert sizes[50_000] < 12 * sizes[5_000] < 12 * 5_000 * 60
    start = time.process_time()
    reader = GbnfReader(gbnf(MENTIONS, text))
    assert time.process_time() - start < 30
    spans = [text[100:110], text[-9:], text[25_000:25_100]]
    assert reader.accepts(json.dumps(spans, ensure_ascii=False))
    assert not reader.accepts(json.dumps([text[:20] + "x"], ensure_ascii=False))


def xgrammar() -> Any:
    if importlib.util.find_spec("xgrammar") is None:
        pytest.skip("xgrammar is not installed")
    import xgrammar

    return xgrammar


@each_shape
def test_xgrammar_accepts_the_same(shape: Shape, text: str, answers: dict[str, bool]) -> None:
    xg = xgrammar()
    info = xg.TokenizerInfo([bytes([n]) for n in range(256)] + [b"</s>"], vocab_type=xg.VocabType.RAW, vocab_size=257,
                            stop_token_ids=[256])
    compiler = xg.GrammarCompiler(info)
    for compiled in (compiler.compile_lark(lark(shape, text, local=False)),
                     compiler.compile_grammar(xg.Grammar.from_ebnf(gbnf(shape, text)))):
        def accepted(answer: str, compiled: Any = compiled) -> bool:
            matcher = xg.GrammarMatcher(compiled)
            return all(matcher.accept_token(b) for b in answer.encode()) and bool(matcher.accept_token(256))

        check(accepted, answers)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A vocabulary in llama.cpp."""
    if importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("llama-cpp-python is not installed")
    import llama_cpp

    from export_toys import QWEN2, byte_pairs, save, tiny
    from iepile.training.export.config import ExportConfig
    from iepile.training.export.export import export

    root, tokenizer = tmp_path_factory.mktemp("models"), byte_pairs(QWEN2)
    made = save(root / "model", tiny("qwen2", tokenizer, max_position_embeddings=256), tokenizer, "qwen")
    export(ExportConfig(str(made), str(root / "gguf"), format="gguf", dtype="fp32"))
    return llama_cpp.Llama(str(Path(root) / "gguf" / "model-fp32.gguf"), vocab_only=True, verbose=False)


@each_shape
def test_llama_cpp_accepts_the_same(llama: Any, shape: Shape, text: str, answers: dict[str, bool]) -> None:
    import llama_cpp

    vocab = llama_cpp.llama_model_get_vocab(llama._model.model)
    end = llama.token_eos()

    def accepted(answer: str) -> bool:
        sampler = llama_cpp.llama_sampler_init_grammar(vocab, gbnf(shape, text).encode(), b"root")
        assert sampler
        try:
            return all(allowed(sampler, token) for token in
                       [*(llama.tokenize(answer.encode(), add_bos=False) if answer else []), end])
        finally:
            llama_cpp.llama_sampler_free(sampler)

    def allowed(sampler: Any, token: int) -> bool:
        one = (llama_cpp.llama_token_data * 1)(llama_cpp.llama_token_data(token, 0.0, 0.0))
        array = llama_cpp.llama_token_data_array(one, 1, -1, False)
        llama_cpp.llama_sampler_apply(sampler, ctypes.byref(array))
        if one[0].logit == float("-inf"):
            return False
        if token != end:
            llama_cpp.llama_sampler_accept(sampler, token)
        return True

    check(accepted, answers)


