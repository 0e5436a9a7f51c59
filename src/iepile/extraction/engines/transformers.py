"""Engine for language models in this process (transformers): batched, greedy or sampled, with a verbatim grammar.

With the grammar on, every answer is the JSON object that was asked for and each mention in it is a piece of the
text, whatever the model: the tokens that would say anything else are shut out, and an answer that reaches the token
limit is closed at its last whole value (`finish` is then `length`). Prompts are never cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

from iepile.errors import IepileError, InputError
from iepile.extraction.answer_row import Row
from iepile.extraction.batches import in_batches
from iepile.extraction.constrained import TokenGrammar
from iepile.extraction.decoding import Decoder
from iepile.extraction.engines.engine import Completion, Engine, Request
from iepile.extraction.grammar import complete
from iepile.extraction.next_token import NextToken
from iepile.extraction.prompts import Prompts, read_prompts, shape_and_text
from iepile.extraction.shared_prefix import can_share
from iepile.extraction.written import string_logprobs_of, text_and_ends
from iepile.instruction import EXPECTED
from iepile.models.load import Loaded, LoadOptions, load_model
from iepile.training.layouts.seq2seq import start_id

LOOK_AHEAD = 64
"""Batches' worth of requests that are put in order together: documents may come with all their questions, and still
stand beside others that are asked the same."""


@dataclass(frozen=True)
class TransformersOptions:
    """Options of the transformers engine."""

    batch_size: int = 16
    """Prompts answered together."""
    max_tokens_per_batch: int = 0
    """Most tokens a batch may come to, padding and answers included; 0: no limit."""
    max_new_tokens: int = 512
    """Most tokens of an answer; a longer one is closed at its last whole value."""
    share_prefix: bool = True
    """Read what prompts of a batch have in common at their beginning once, where the model allows it."""
    grammar: bool = True
    """Allow only valid answers whose mentions are pieces of the text."""
    max_items: int = 0
    """Most elements of one list in an answer; 0: no bound. Keeps a weak model from repeating itself to the end."""
    temperature: float = 0.7
    """How freely tokens are drawn where several answers to one question are asked for; the first is the likeliest."""
    seed: int = 0
    """Of what is drawn."""
    template: str = ""
    """Chat template; empty: as the model was trained, else the tokenizer's own, else alpaca."""
    adapter: str = ""
    """Adapter to put on the model: a folder or hub name. Several, separated by commas: all but the last are merged."""
    dtype: str = "auto"
    """`fp32`, `bf16`, `fp16`; `auto`: as stored on a GPU, fp32 on a processor."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`; `auto`: the first GPU if there is one."""
    context: int = 0
    """Most tokens of prompt and answer together; 0: as the model's configuration says."""
    threads: int = 0
    """Processor threads; 0: as torch chooses."""
    trust_remote_code: bool = False
    """Run Python code that comes with the model."""
    revision: str = "main"
    """Branch, tag or commit of a hub model."""
    model_name: str = ""
    """Family of the model, where its `config.json` names none that is known."""
    bits: int = 16
    """Bits of the weights of linear layers: 16 (as `dtype` says), 8 or 4."""
    quant_type: str = "nf4"
    """How 4 bits are used: `nf4` or `fp4`."""
    double_quant: bool = True
    """With 4 bits: quantise the scales as well."""
    attn_implementation: str = "auto"
    """`sdpa`, `eager`, `flash_attention_2`, ...; `auto`: as transformers chooses."""
    cache_dir: str = ""
    """Folder for models from the hub; empty: the hub's own."""
    allow_pickle_weights: bool = False
    """Read weights that are there only in pickled form, as numbers only."""


class TransformersEngine:
    """Answers requests with a language model: decoder alone, or encoder and decoder."""

    name = "transformers"
    manners = True

    def __init__(self, loaded: Loaded, options: TransformersOptions) -> None:
        if options.batch_size < 1 or options.max_new_tokens < 1:
            raise InputError("must be 1 or more", field="batch_size, max_new_tokens")
        if min(options.max_items, options.max_tokens_per_batch, options.context, options.threads) < 0:
            raise InputError("must be 0 or more", field="max_items, max_tokens_per_batch, context, threads")
        if not 0 < options.temperature <= 10:
            raise InputError(f"temperature {options.temperature}", field="temperature", expected="above 0, at most 10")
        import torch
        from transformers import GenerationConfig

        if options.threads > 0:
            torch.set_num_threads(options.threads)
        self.loaded, self.options = loaded, options
        self.chat = loaded.chat(options.template)
        model = loaded.model
        if not hasattr(model, "generate"):
            raise InputError("the model cannot write: its class has no generate", file=loaded.name,
                             expected="a causal language model, or an encoder-decoder")
        # A model's own generation settings (sampling, penalties) would change greedy answers behind our back.
        model.generation_config = GenerationConfig()
        if hasattr(model, "get_base_model"):
            model.get_base_model().generation_config = GenerationConfig()
        self._prompts = Prompts(self.chat, options.context or loaded.context, options.max_new_tokens,
                                loaded.card is not None and loaded.card.text_first)
        self._grammar = TokenGrammar(loaded, self.chat, options.max_items or None) if options.grammar else None
        copied = can_share(model)
        self._shares = options.share_prefix and copied
        self._decoder = Decoder(
            model, loaded.tokenizer.pad_token_id,
            NextToken(self._grammar, self.chat.stop_ids, options.temperature, self._decode),
            own_loop=copied, share=self._shares, start=start_id(model.config) if loaded.encoder_decoder else None)
        self.stretch = stretch(options)
        self._works = False

    @property
    def context(self) -> int | None:
        """Most tokens of prompt and answer."""
        return self._prompts.context

    @context.setter
    def context(self, tokens: int | None) -> None:
        self._prompts.context = tokens

    def prompt_tokens(self, request: Request) -> int:
        """Tokens of the prompt of a request, template included."""
        return self._prompts.prompt_tokens(request)

    def answer_room(self, request: Request) -> int:
        """Tokens to keep free for the answer; see `Prompts.answer_room`."""
        return self._prompts.answer_room(request)

    def prompt_ids(self, request: Request) -> list[int]:
        """Token ids of the prompt of a request.

        Raises:
            InputError: see `Prompts.ids`.
        """
        return self._prompts.ids(request)

    def check(self, request: Request) -> int:
        """Tokens of the prompt of a request that can be answered.

        Raises:
            PromptTooLong: it leaves no room for an answer.
            InputError: it cannot be answered for another reason.
        """
        return len(self._prepare(request).ids)

    def grammar(self, notation: str) -> Any:
        """What `Manner.grammar` takes, for a grammar of somebody's own in llguidance's form of Lark.

        Raises:
            InputError: it cannot be used, or costs too much (free_grammar.py).
        """
        if self._grammar is None:
            raise InputError("the model runs without grammars", field="grammar", fix="serve it with grammar: true")
        return self._grammar.free(notation)

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer requests: within a stretch, prompts that begin alike together and the longest first, so that a batch
        has prompts of like length."""
        stream = iter(requests)
        while asked := list(islice(stream, self.stretch)):
            rows: list[Row] = []
            for request in asked:
                try:
                    rows.append(self._prepare(request))
                except InputError as e:
                    if not request.done:
                        yield Completion(request.key, "", "error", error=str(e), lasting=True)
            for batch in in_batches(rows, self.options.batch_size, self.options.max_tokens_per_batch, self._shares):
                if not all(r.request.done for r in batch):
                    yield from self._answer(batch)

    def close(self) -> None:
        """Free the model."""
        import gc

        import torch

        self._decoder.close()
        self.__dict__.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _prepare(self, request: Request) -> Row:
        ids = self._prompts.ids(request)
        manner = request.manner
        row = Row(request, ids, (manner and manner.max_tokens) or self.options.max_new_tokens)
        least = 1
        if self._grammar is not None and (manner is None or manner.verbatim):
            row.shape, row.text = shape_and_text(request)
        if manner is not None and manner.verbatim and row.shape is None:
            raise InputError("there is no form to hold the answer to", field="instruction", expected=EXPECTED)
        if row.shape is not None:
            closed = complete(row.shape, "")
            least = len(self.chat.answer_ids(closed)) if closed else 1
        row.budget = self._prompts.budget(len(ids), least, row.budget)
        return row

    def _begin(self, row: Row) -> None:
        """Make a row ready; the grammar is written only now, for that of a long text is large."""
        row.begin(self.options.seed, self._decode)
        row.tell()
        manner = row.request.manner
        if manner is not None and manner.grammar is not None:
            row.matcher = manner.grammar.deep_copy()
        if self._grammar is None or row.shape is None or row.finish:
            return
        try:
            question = self._prompts.question(row.request)
            row.matcher = self._grammar.matcher(self._grammar.write(
                row.shape, question, row.text, manner.max_items if manner is not None else 0))
        except InputError as e:
            row.fail(str(e))
            return
        if row.matcher.is_error():
            row.fail(f"grammar: {row.matcher.get_error()[:300]}")

    def _answer(self, batch: list[Row]) -> Iterator[Completion]:
        import torch

        for row in batch:
            self._begin(row)
        unfit, live = [r for r in batch if r.finish], [r for r in batch if not r.finish]
        yield from self._completions(unfit, lasting=True)
        if not live:
            return
        try:
            self._run(live)
        except torch.OutOfMemoryError as e:
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            failure = f"not enough memory for one prompt: {e}"
        except (RuntimeError, ValueError, IndexError) as e:
            failure = f"the model failed while answering: {e}"
            if len(live) == 1 and not self._works:
                raise IepileError(f"{self.loaded.name}: {failure}") from e
        else:
            self._works = True
            yield from self._completions(live)
            return
        if len(live) > 1:
            half = len(live) // 2
            yield from self._answer(live[:half])
            yield from self._answer(live[half:])
            return
        live[0].fail(failure)
        yield from self._completions(live)

    def _run(self, rows: list[Row]) -> None:
        """Generate until every row is finished."""
        self._decoder.run(rows)

    def _completions(self, rows: Iterable[Row], lasting: bool = False) -> Iterator[Completion]:
        for row in rows:
            row.tell()
            row.matcher = None
            if not row.request.done:
                yield self._completion(row, lasting)

    def _decode(self, tokens: list[int]) -> str:
        text: str = self.loaded.tokenizer.decode(tokens, skip_special_tokens=True)
        return text

    def _completion(self, row: Row, lasting: bool) -> Completion:
        if row.growing is not None and row.shape is None:
            return row.spoken(lasting)
        held = self._grammar if row.shape is not None else None
        written, ends = text_and_ends(row.tokens, held, self.loaded.tokenizer)
        text: str | None = written
        if row.shape is not None and held is not None and row.finish != "stop":
            text = complete(row.shape, written) if row.finish == "length" else None
            if text is None:
                row.finish, row.error = "error", row.error or "the answer was cut and cannot be closed"
        strings = None if text is None else string_logprobs_of(text, written, ends, row.logprobs)
        return Completion(row.request.key, text or "", row.finish, tokens=len(row.tokens),
                          logprob=sum(row.logprobs) if row.tokens else None, string_logprobs=strings,
                          prompt_tokens=len(row.ids), error=row.error, lasting=lasting)


OPTIONS = TransformersOptions


def stretch(options: TransformersOptions) -> int:
    """Requests that are batched among themselves."""
    return LOOK_AHEAD * options.batch_size


def open_engine(model: str, options: TransformersOptions) -> Engine:
    """Load a model folder, a hub name, or the output folder of a training run.

    Raises:
        InputError: the model cannot be loaded, or the template does not fit it.
    """
    return TransformersEngine(load_model(model, _load_options(options)), options)


def open_ruler(model: str, options: TransformersOptions) -> Prompts:
    """What measures prompts as the engine would, without the weights.

    Raises:
        InputError: as `open_engine`.
    """
    return read_prompts(model, _load_options(options), options.template, options.context, options.max_new_tokens)


def _load_options(options: TransformersOptions) -> LoadOptions:
    return LoadOptions(**{f.name: getattr(options, f.name) for f in fields(LoadOptions)})
