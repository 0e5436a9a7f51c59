"""Answers of a local model a second: the one-record loop of the reference against the engine, one process, one thread.

    python benchmarks/answer_speed.py [--write]

Real questions about events (DuEE: every document is asked several polls), a Llama of random weights (29 M parameters),
greedy. CPU seconds; each way must write the same texts:

    one by one      transformers' `generate`, a record at a time, no grammar: what the reference does
    engine          the `transformers` engine, no grammar, no shared prefixes: batches of like length
    shared          the same with `share_prefix` (on by default)
    alone           one record at a time with the grammar, every token asked of the model, through `generate`
    forced          the same in the engine's own loop: what the grammar forces is not asked

Random weights do not end by themselves: without the grammar, every answer has as many tokens as it may. `answers` takes
long answers to short questions, where writing is what costs; `prefixes` short answers to long questions, where reading
is. With CUDA, models of random weights of the sizes of 0.5B and 7B are measured as well, with their memory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from real_rows import SHARED, chat_of, llama, tokenizer_of
from results import record

from iepile.corpus.convert import ConvertConfig, convert
from iepile.corpus.importing import ImportConfig, import_documents
from iepile.extraction.decoding import Decoder
from iepile.extraction.engines.engine import Request
from iepile.extraction.engines.transformers import TransformersEngine, TransformersOptions
from iepile.instruction import Instruction, read_instruction
from iepile.jsonl import read_rows
from iepile.models.card import ModelCard
from iepile.models.load import Loaded

GPU_MODELS = {"0.5B": (896, 24, 14, 2, 4864, 151_936), "7B": (3584, 28, 28, 4, 18_944, 152_064)}
"""Width, layers, heads, key heads, inner width and vocabulary of Qwen2.5."""


def questions(folder: Path, documents: int) -> tuple[Any, list[Request]]:
    """A tokenizer for the data, and every poll about every document, document by document."""
    docs, schema, rows = (folder / f"duee.{end}" for end in ("docs", "schema.json", "rows"))
    import_documents(ImportConfig(src_path=str(SHARED / "DuEE1.0/duee_dev.json"), tgt_path=str(docs),
                                  schema_path=str(schema), source="DuEE"))
    convert(ConvertConfig(src_path=str(docs), tgt_path=str(rows), schema_path=str(schema), task="EE", language="zh",
                          split="test", split_num=4))
    found: list[Request] = []
    texts: dict[str, None] = {}
    for _, row in read_rows(rows):
        text = read_instruction(row["instruction"]).input
        if text not in texts and len(texts) == documents:
            break
        texts[text] = None
        found.append(Request(str(len(found)), "EE", row["instruction"]))
    return tokenizer_of([rows], 8000), found


def first_polls(requests: Sequence[Request], polls: int) -> list[Request]:
    """The first polls of every document."""
    asked: dict[str, int] = {}
    out = []
    for r in requests:
        text = read_instruction(r.instruction).input
        asked[text] = asked.get(text, 0) + 1
        if asked[text] <= polls:
            out.append(r)
    return out


def short_questions(requests: Sequence[Request]) -> list[Request]:
    """One question a document, about the entities of three kinds."""
    texts = dict.fromkeys(read_instruction(r.instruction).input for r in requests)
    return [Request(str(n), "NER", Instruction("抽取实体。", ["人物", "地点", "组织"], text).render())
            for n, text in enumerate(texts)]


def one_by_one(engine: TransformersEngine, requests: Sequence[Request], new: int) -> dict[str, str]:
    """A record at a time, as the reference generates."""
    import torch
    from transformers import GenerationConfig

    tokenizer, model, chat = engine.loaded.tokenizer, engine.loaded.model, engine.chat
    settings = GenerationConfig(max_new_tokens=new, do_sample=False, pad_token_id=tokenizer.pad_token_id,
                                eos_token_id=list(chat.stop_ids))
    out = {}
    for r in requests:
        ids = torch.tensor([chat.prompt_ids(r.instruction)], device=model.device)
        with torch.inference_mode():
            answer = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=settings)
        tokens = answer[0, ids.shape[1] :].tolist()
        out[r.key] = tokenizer.decode(tokens, skip_special_tokens=True).strip()
    return out


class Way:
    """One way to answer, and the time it took."""

    def __init__(self, answer: Callable[[Sequence[Request]], dict[str, tuple[str, int]]]) -> None:
        self.answer, self.seconds, self.tokens = answer, 0.0, 0
        self.texts: dict[str, str] = {}

    def run(self, requests: Sequence[Request], clock: Callable[[], float]) -> None:
        """Answer some more."""
        began = clock()
        found = self.answer(requests)
        self.seconds += clock() - began
        self.tokens += sum(n for _, n in found.values())
        self.texts |= {k: text for k, (text, _) in found.items()}

    @property
    def speed(self) -> float:
        """Tokens a second."""
        return self.tokens / self.seconds


def engine_of(loaded: Loaded, own_loop: bool = True, **options: Any) -> TransformersEngine:
    """The engine on a model that is there already."""
    engine = TransformersEngine(loaded, TransformersOptions(**options))
    if not own_loop:
        d = engine._decoder
        engine._decoder = Decoder(d.model, d.pad, d.choose, own_loop=False, share=False)
    return engine


def through(engine: TransformersEngine) -> Callable[[Sequence[Request]], dict[str, tuple[str, int]]]:
    """Answers of an engine."""
    return lambda requests: {c.key: (c.text, c.tokens) for c in engine.generate(requests)}


def take_turns(ways: dict[str, Way], parts: Sequence[Sequence[Request]], clock: Callable[[], float]) -> None:
    """Every way answers every part; the first part is answered once before, to warm up."""
    for way in ways.values():
        way.answer(parts[0][:2])
    for part in parts:
        for way in ways.values():
            way.run(part, clock)


def equal(one: Way, other: Way) -> str:
    """How many answers are equal."""
    return f"{sum(one.texts[k] == t for k, t in other.texts.items())} of {len(one.texts)}"


def batched(loaded: Loaded, requests: Sequence[Request], new: int, size: int,
            clock: Callable[[], float]) -> dict[str, Any]:
    """Batches and shared prefixes against one record at a time."""
    base = {"max_new_tokens": new, "grammar": False, "batch_size": size}
    plain = engine_of(loaded, share_prefix=False, **base)
    lengths = {r.key: len(plain.chat.prompt_ids(r.instruction)) for r in requests}

    def loop(some: Sequence[Request]) -> dict[str, tuple[str, int]]:
        # Random weights never end, so each answer has as many tokens as it may.
        return {k: (t, new) for k, t in one_by_one(plain, some, new).items()}

    ways = {"one by one": Way(loop), "engine": Way(through(plain)), "shared": Way(through(engine_of(loaded, **base)))}
    take_turns(ways, [requests], clock)
    return {
        "questions": len(requests), "tokens a prompt, mean": round(sum(lengths.values()) / len(lengths)),
        "tokens an answer": new, "batch": size,
        "tokens/s": {name: round(w.speed, 1) for name, w in ways.items()},
        "equal to one by one": {name: equal(ways["one by one"], ways[name]) for name in ("engine", "shared")},
        "engine / one by one": round(ways["engine"].speed / ways["one by one"].speed, 2),
        "shared / engine": round(ways["shared"].speed / ways["engine"].speed, 2),
        "shared / one by one": round(ways["shared"].speed / ways["one by one"].speed, 2),
    }


def forced(loaded: Loaded, requests: Sequence[Request], new: int, clock: Callable[[], float]) -> dict[str, Any]:
    """What it saves not to ask for tokens that are forced, a record at a time."""
    base = {"max_new_tokens": new, "batch_size": 1, "max_items": 2}
    ways = {"alone": Way(through(engine_of(loaded, own_loop=False, **base))),
            "forced": Way(through(engine_of(loaded, **base)))}
    take_turns(ways, [[r] for r in requests], clock)
    return {"questions": len(requests), "tokens/s": {name: round(w.speed, 1) for name, w in ways.items()},
            "equal": equal(ways["alone"], ways["forced"]),
            "forced / alone": round(ways["forced"].speed / ways["alone"].speed, 2)}


def on_gpu(tokenizer: Any, requests: Sequence[Request]) -> dict[str, Any]:
    """Models of real sizes with random weights; only where there is a GPU."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    found: dict[str, Any] = {"device": torch.cuda.get_device_name()}
    for name, (width, layers, heads, keys, inner, vocabulary) in GPU_MODELS.items():
        config = Qwen2Config(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
                             num_key_value_heads=keys, intermediate_size=inner, vocab_size=vocabulary,
                             bos_token_id=None, eos_token_id=None, tie_word_embeddings=name == "0.5B")
        torch.manual_seed(0)
        torch.set_default_dtype(torch.bfloat16)
        try:
            with torch.device("cuda"):
                model = Qwen2ForCausalLM(config).eval()
        finally:
            torch.set_default_dtype(torch.float32)
        loaded = Loaded(model, tokenizer, ModelCard(template="qwen"), name)

        def clock() -> float:
            torch.cuda.synchronize()
            return time.perf_counter()

        new, size = 128, 32
        few = engine_of(loaded, grammar=False, max_new_tokens=new)
        ways = {
            "one by one": Way(lambda some, few=few: {k: (t, 128) for k, t in one_by_one(few, some, 128).items()}),
            "no grammar": Way(through(engine_of(loaded, grammar=False, max_new_tokens=new, batch_size=size))),
            "grammar": Way(through(engine_of(loaded, max_new_tokens=new, batch_size=size))),
        }
        figures: dict[str, Any] = {}
        for way_name, way in ways.items():
            some = requests[:8] if way_name == "one by one" else requests
            way.answer(some[:2])
            torch.cuda.reset_peak_memory_stats()
            way.run(some, clock)
            figures[way_name] = {"tokens/s": round(way.speed, 1),
                                 "peak GiB": round(torch.cuda.max_memory_allocated() / 2**30, 2)}
        found[name] = figures
        del model, loaded, few, ways
        torch.cuda.empty_cache()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=32)
    parser.add_argument("--polls", type=int, default=4, help="polls a document is asked, where prefixes are shared")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--only", default="", help="one part alone: answers, prefixes or forced")
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        tokenizer, requests = questions(Path(scratch), options.documents)
    tokenizer.pad_token = tokenizer.eos_token
    loaded = Loaded(llama(len(tokenizer), options.width, options.layers).eval(), tokenizer,
                    ModelCard(template=chat_of(tokenizer).name), "random weights")
    short, asked = short_questions(requests), first_polls(requests, options.polls)
    parts: dict[str, Callable[[], Any]] = {
        "answers": lambda: batched(loaded, short, 128, 32, time.process_time),
        "prefixes": lambda: batched(loaded, asked, 16, TransformersOptions().batch_size, time.process_time),
        "forced": lambda: forced(loaded, asked[:8], 160, time.process_time),
        "GPU": lambda: on_gpu(tokenizer, asked) if torch.cuda.is_available() else "none was there: not measured",
    }
    record("answer_speed", options.write, {
        "parameters": sum(p.numel() for p in loaded.model.parameters()),
    } | {name: part() for name, part in parts.items() if options.only in ("", name)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
