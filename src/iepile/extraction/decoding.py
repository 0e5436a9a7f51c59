"""From prompts to answers: a loop of our own for decoders with an ordinary cache, `generate` for all other models.

The loop leaves finished rows behind, computes the masks of the grammar while the model reads, and with one row left
writes what the grammar forces without asking: the model then reads several tokens at once. The answers are those of
`generate`, but for the rounding of ties.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from iepile.extraction.answer_row import Row
from iepile.extraction.cache import roomy_cache
from iepile.extraction.next_token import NextToken
from iepile.extraction.shared_prefix import beside, read_shared

LEAVE = 0.75
"""Rows still at work, as a share of the batch, at which the finished ones are dropped: the cache is copied then."""


class Decoder:
    """Answers batches with one model."""

    def __init__(self, model: Any, pad: int, choose: NextToken, *, own_loop: bool, share: bool,
                 start: int | None = None) -> None:
        """
        Args:
            pad: token id to fill up with.
            own_loop: the cache can be copied, see `can_share`.
            share: read common beginnings of prompts once.
            start: what the decoder of an encoder-decoder begins with; None: a decoder alone.
        """
        self.model, self.pad, self.choose = model, pad, choose
        self.own_loop, self._share, self._start = own_loop, share, start
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._config = base.config
        self._places = "position_ids" in inspect.signature(base.forward).parameters
        self._thread = ThreadPoolExecutor(1, "grammar")

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def run(self, rows: Sequence[Row]) -> None:
        """Generate until every row is finished."""
        import torch

        with torch.inference_mode():
            self._loop(rows) if self.own_loop else self._generate(rows)

    def _loop(self, rows: Sequence[Row]) -> None:
        import torch

        device, live = self.model.device, list(rows)
        most = max(r.budget for r in rows)
        forced = self._forced(live[0]) if len(live) == 1 else []
        read = read_shared(self.model, [r.ids for r in rows], self.pad, most) if self._share else None
        if read is not None:
            ids, mask, cache = read
            ids = ids[:, cache.get_seq_length() :]
        else:
            ids, mask = (x.to(device) for x in beside([r.ids + forced for r in rows], self.pad))
            cache = roomy_cache(self._config)
        while True:
            masks = self._thread.submit(self.choose.masks, live)
            more = {"position_ids": (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]} if self._places else {}
            # The scores of forced tokens are wanted for their probabilities.
            logits = self.model(input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True,
                                logits_to_keep=1 + len(forced), **more).logits
            bits = masks.result()
            if forced:
                live[0].logprobs[-len(forced) :] = self.choose.logprobs(logits[0, :-1].float(), forced)
                self.choose.note_likeliest(live[0], logits[0, :-1])
            if all(r.finish for r in live):
                return
            tokens = self.choose(live, logits[:, -1], bits)
            for row in live:
                row.tell()
            if all(r.finish for r in live):
                return
            left = [n for n, r in enumerate(live) if not r.finish]
            if len(left) <= LEAVE * len(live) or len(left) == 1 < len(live):
                kept = torch.tensor(left, device=device)
                cache.batch_select_indices(kept)
                mask, live, tokens = mask[kept], [live[n] for n in left], [tokens[n] for n in left]
            forced = self._forced(live[0]) if len(live) == 1 else []
            ids = torch.tensor([[*[t], *forced] for t in tokens], device=device)
            mask = torch.cat([mask, mask.new_ones(len(live), ids.shape[1])], 1)

    def _forced(self, row: Row) -> list[int]:
        """Take the tokens that the grammar leaves no choice of; their probabilities are filled in later."""
        if row.matcher is None or row.finish:
            return []
        taken = []
        for token in row.matcher.compute_ff_tokens():
            if row.finish or token in self.choose.stop:
                break
            if row.chance is not None:
                row.chance.random()
            row.take(token, 0.0, self.choose.stop)
            taken.append(token)
        return taken

    def _generate(self, rows: Sequence[Row]) -> None:
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        config = GenerationConfig(max_new_tokens=max(r.budget for r in rows), do_sample=False, pad_token_id=self.pad,
                                  decoder_start_token_id=self._start)
        ids, mask = beside([r.ids for r in rows], self.pad, left=self._start is None)

        def step(_: Any, scores: Any) -> Any:
            import torch

            tokens = self.choose(rows, scores, self.choose.masks(rows))
            for row in rows:
                row.tell()
            return scores.scatter_(1, torch.tensor(tokens, device=scores.device)[:, None], torch.inf)

        def finished(ids: Any, _: Any, **__: Any) -> Any:
            import torch

            return torch.tensor([bool(r.finish) for r in rows], device=ids.device)

        self.model.generate(
            input_ids=ids.to(self.model.device), attention_mask=mask.to(self.model.device), generation_config=config,
            logits_processor=LogitsProcessorList([step]), stopping_criteria=StoppingCriteriaList([finished]),
        )
