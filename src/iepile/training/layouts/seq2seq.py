"""Layout of encoder-decoder models: the encoder reads the prompt, the decoder writes the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iepile.errors import InputError
from iepile.training.layouts.batch import IGNORE, Batch, Laid
from iepile.training.layouts.layout import Unit, lengths_of


class Seq2Seq:
    """An example a row, prompts and answers filled up on the right each.

    Args:
        start: id of the token that the decoder begins with.
    """

    name = "seq2seq"

    def __init__(self, start: int) -> None:
        self.start = start

    def units(self, examples: Sequence[Laid], seed: int, epoch: int) -> list[Unit]:
        """Each example by itself.

        Raises:
            InputError: the prompt is to be learned.
        """
        if len(examples) and examples[0].prompt < 2:
            raise InputError("an encoder-decoder model reads the prompt and does not write it",
                             field="train_on_prompt", fix="leave it out")
        return [Unit((i,), n) for i, n in enumerate(lengths_of(examples))]

    def collate(self, rows: Sequence[Laid], pad: int) -> Batch:
        """Put examples into tensors."""
        import torch

        ids = torch.full((len(rows), max(e.prompt for e in rows)), pad, dtype=torch.long)
        mask = torch.zeros_like(ids)
        written = torch.full((len(rows), max(len(e.ids) - e.prompt for e in rows)), pad, dtype=torch.long)
        next_ids = torch.full_like(written, IGNORE)
        for i, e in enumerate(rows):
            whole = torch.tensor(e.ids.tolist())
            n = len(e.ids) - e.prompt
            ids[i, : e.prompt] = whole[: e.prompt]
            mask[i, : e.prompt] = 1
            written[i, 0] = self.start
            written[i, 1:n] = whole[e.prompt : -1]
            next_ids[i, :n] = whole[e.prompt :]
        inputs = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": written}
        return Batch(inputs, next_ids, sum(len(e.ids) - e.prompt for e in rows), sum(len(e.ids) for e in rows))


def start_id(config: Any) -> int:
    """The token a decoder begins with.

    Raises:
        InputError: the model's configuration names none.
    """
    for name in ("decoder_start_token_id", "bos_token_id", "pad_token_id"):
        if isinstance(value := getattr(config, name, None), int):
            return value
    raise InputError("the model does not say which token its decoder begins with", field="model_name_or_path",
                     fix='set "decoder_start_token_id" in its config.json')
