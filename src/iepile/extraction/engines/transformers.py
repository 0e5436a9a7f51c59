"""Engine for language models in this process (transformers): batched, greedy, with a verbatim grammar.

With the grammar on, every answer is the JSON object that was asked for and each mention in it is a piece of the
text, whatever the model: the tokens that would say anything else are shut out, and an answer that reaches the token
limit is closed at its last whole value (`finish` is then `length`). Prompts are never cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

from iepile.errors import IepileError, InputError
from iepile.extraction.constrained import TokenGrammar
from iepile.extraction.engines.engine import Completion, Engine, Request
from iepile.extraction.grammar import complete
from iepile.extraction.greedy import Row, Step
from iepile.extraction.shared_prefix import can_share, groups_of, read_shared
from iepile.instruction import read_instruction, text_first
from iepile.models.load import Loaded, LoadOptions, load_model
from iepile.tasks import get_task
from iepile.training.layouts.seq2seq import start_id

LOOK_AHEAD = 64
"""Batches' worth of requests sorted by length together."""


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

    def __init__(self, loaded: Loaded, options: TransformersOptions) -> None:
        if options.batch_size < 1 or options.max_new_tokens < 1:
            raise InputError("must be 1 or more", field="batch_size, max_new_tokens")
        if min(options.max_items, options.max_tokens_per_batch, options.context, options.threads) < 0:
            raise InputError("must be 0 or more", field="max_items, max_tokens_per_batch, context, threads")
        import torch
        from transformers import GenerationConfig

        if options.threads > 0:
            torch.set_num_threads(options.threads)
        self.loaded, self.options = loaded, options
        self.chat = loaded.chat(options.template)
        self.context = options.context or loaded.context
        model = loaded.model
        if not hasattr(model, "generate"):
            raise InputError("the model cannot write: its class has no generate", file=loaded.name,
                             expected="a causal language model, or an encoder-decoder")
        self._start = start_id(model.config) if loaded.encoder_decoder else None
        # A model's own generation settings (sampling, penalties) would change greedy answers behind our back.
        model.generation_config = GenerationConfig()
        if hasattr(model, "get_base_model"):
            model.get_base_model().generation_config = GenerationConfig()
        self._text_first = loaded.card is not None and loaded.card.text_first
        self._shares = options.share_prefix and can_share(model)
        self._grammar = TokenGrammar(loaded, self.chat, options.max_items or None) if options.grammar else None

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer requests: within a stretch, prompts that begin alike together and the longest first, so that a batch
        has prompts of like length."""
        stream = iter(requests)
        while stretch := list(islice(stream, LOOK_AHEAD * self.options.batch_size)):
            rows: list[Row] = []
            for request in stretch:
                try:
                    rows.append(self._prepare(request))
                except InputError as e:
                    yield Completion(request.key, "", "error", error=str(e))
            rows.sort(key=lambda r: (-len(r.ids), r.ids, r.request.key))
            for batch in self._batches(self._together(rows)):
                yield from self._answer(batch)

    def close(self) -> None:
        """Free the model."""
        import gc

        import torch

        self.__dict__.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _prepare(self, request: Request) -> Row:
        question = request.instruction
        if self._text_first:
            with suppress(InputError):  # a question in plain words has no schema to move
                question = text_first(question).text
        ids = self.chat.prompt_ids(question, request.input)
        row = Row(request, ids, self.options.max_new_tokens)
        least = 1
        if self._grammar is not None and request.task:
            instruction = read_instruction(request.instruction)
            task = get_task(request.task)
            row.shape = task.shape(map(task.item, instruction.schema))
            row.grammar = self._grammar.write(row.shape, question, instruction.input)
            closed = complete(row.shape, "")
            least = len(self.chat.answer_ids(closed)) if closed else 1
        if self.context is not None:
            # An encoder-decoder holds so many of the prompt, and as many of the answer.
            apart = self.chat.encoder_decoder
            room = self.context - (0 if apart else len(ids))
            if room < least or len(ids) > self.context:
                raise InputError(
                    f"the prompt has {len(ids)} tokens{'' if apart else ' and'} the shortest answer {least}, more than "
                    f"the {self.context} the model can hold",
                    fix="use smaller windows, or ask fewer labels at a time",
                )
            row.budget = min(row.budget, room)
        return row

    def _together(self, rows: list[Row]) -> list[list[Row]]:
        """Rows that one batch had better hold."""
        if not self._shares:
            return [[row] for row in rows]
        groups = groups_of([row.ids for row in rows], self.options.batch_size)
        # Groups that share come first: alone, their rows would not stand beside each other.
        return [[rows[i] for i in group] for group in sorted(groups, key=lambda g: (len(g) == 1, g))]

    def _batches(self, groups: list[list[Row]]) -> Iterator[list[Row]]:
        most = self.options.max_tokens_per_batch or math.inf
        batch: list[Row] = []
        widest = 0
        for group in groups:
            if len(batch) + len(group) > self.options.batch_size:
                yield batch
                batch, widest = [], 0
            for row in group:
                wide = max(widest, len(row.ids) + row.budget)
                if batch and wide * (len(batch) + 1) > most:
                    yield batch
                    batch, wide = [], len(row.ids) + row.budget
                batch.append(row)
                widest = wide
        if batch:
            yield batch

    def _answer(self, batch: list[Row]) -> Iterator[Completion]:
        import torch

        for row in batch:
            row.tokens, row.logprob, row.finish, row.error = [], 0.0, "", ""
            if self._grammar is not None and row.shape is not None:
                row.matcher = self._grammar.matcher(row.grammar)
                if row.matcher.is_error():
                    row.finish, row.error = "error", f"grammar: {row.matcher.get_error()[:300]}"
        live = [r for r in batch if not r.finish]
        yield from (self._completion(r) for r in batch if r.finish)
        try:
            if live:
                self._run(live)
        except torch.OutOfMemoryError as e:
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            if len(live) > 1:
                half = len(live) // 2
                yield from self._answer(live[:half])
                yield from self._answer(live[half:])
                return
            live[0].finish, live[0].error = "error", f"not enough memory for one prompt: {e}"
        except (RuntimeError, ValueError, IndexError) as e:
            raise IepileError(f"{self.loaded.name}: the model failed while answering: {e}") from e
        yield from map(self._completion, live)

    def _run(self, rows: list[Row]) -> None:
        """Generate until every row is finished."""
        import torch
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        pad = self.loaded.tokenizer.pad_token_id
        step = Step(rows, self._grammar, self.chat.stop_ids)
        most = max(r.budget for r in rows)
        config = GenerationConfig(max_new_tokens=most, do_sample=False, pad_token_id=pad,
                                  decoder_start_token_id=self._start)
        with torch.inference_mode():
            read = read_shared(self.loaded.model, [r.ids for r in rows], pad, most) if self._shares else None
            self.loaded.model.generate(
                **(read._asdict() if read is not None else self._side_by_side(rows, pad)), generation_config=config,
                logits_processor=LogitsProcessorList([step]),
                stopping_criteria=StoppingCriteriaList([step.finished]),
            )

    def _side_by_side(self, rows: list[Row], pad: int) -> dict[str, Any]:
        import torch

        width = max(len(r.ids) for r in rows)
        # What continues a prompt must stand beside its end; an encoder counts places from the beginning.
        gaps = [(0, width - len(r.ids)) if self.chat.encoder_decoder else (width - len(r.ids), 0) for r in rows]
        both = list(zip(rows, gaps, strict=True))
        ids = torch.tensor([[pad] * left + r.ids + [pad] * right for r, (left, right) in both])
        mask = torch.tensor([[0] * left + [1] * len(r.ids) + [0] * right for r, (left, right) in both])
        device = self.loaded.model.device
        return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}

    def _completion(self, row: Row) -> Completion:
        key, n = row.request.key, len(row.tokens)
        logprob = row.logprob if n else None
        if self._grammar is None or row.shape is None:
            text = self.loaded.tokenizer.decode(row.tokens, skip_special_tokens=True).strip()
            return Completion(key, text, row.finish, tokens=n, logprob=logprob, error=row.error)
        text = self._grammar.text(row.tokens)
        if row.finish != "stop":
            closed = complete(row.shape, text)
            if closed is None:
                row.finish, row.error = "error", row.error or "the answer was cut and cannot be closed"
            text = closed or ""
        return Completion(key, text, row.finish, tokens=n, logprob=logprob, error=row.error)


OPTIONS = TransformersOptions


def open_engine(model: str, options: TransformersOptions) -> Engine:
    """Load a model folder, a hub name, or the output folder of a training run.

    Raises:
        InputError: the model cannot be loaded, or the template does not fit it.
    """
    load = LoadOptions(**{f.name: getattr(options, f.name) for f in fields(LoadOptions)})
    return TransformersEngine(load_model(model, load), options)
