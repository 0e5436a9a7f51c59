"""Settings of tuning: what is trained."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from iepile.errors import InputError
from iepile.training.settings.checks import at_least, one_of, share

PROMPT_LEARNING = ("p_tuning", "p_tuning_v1", "prompt_tuning")
"""Methods that train vectors before the prompt and leave every weight as it is."""
METHODS = ("lora", "full", "freeze", *PROMPT_LEARNING)
BEGINNINGS = r"default|gaussian|pissa|pissa_niter_[1-9][0-9]*|olora"
"""How LoRA can begin."""


@dataclass(frozen=True, kw_only=True)
class MethodSettings:
    """What is trained."""

    finetuning_type: Literal["lora", "full", "freeze", "p_tuning", "p_tuning_v1", "prompt_tuning"] = "lora"
    """Small matrices beside the weights (lora), all weights (full), some layers (freeze), or vectors before the
    prompt: in every layer (p_tuning, also called v2 or prefix), from a small network (p_tuning_v1), or plain
    (prompt_tuning)."""
    checkpoint_dir: str = ""
    """Adapters to begin with, separated by commas: all but the last are merged into the model, the last is trained on
    with its own rank and layers. For full and freeze: a folder of weights."""
    resume_lora_training: bool = True
    """Go on training the last adapter of `checkpoint_dir`; if not, it is merged as well and a new one is made."""
    lora_r: int = 16
    """Rank of LoRA."""
    lora_alpha: float = 32.0
    """Scale of LoRA: its output counts `lora_alpha / lora_r` times."""
    lora_dropout: float = 0.05
    """Dropout before LoRA."""
    lora_target_modules: str = ""
    """Layers for LoRA, separated by commas, or `all`; empty: as fits the model family."""
    use_dora: bool = False
    """DoRA: learn length and direction of the weights apart."""
    use_rslora: bool = False
    """rsLoRA: scale by `lora_alpha / sqrt(lora_r)`."""
    init_lora_weights: str = "default"
    """How LoRA begins: `default`, `gaussian`, `pissa`, `pissa_niter_N` (N rounds of a fast SVD), `olora`."""
    additional_target: str = ""
    """Modules trained and saved whole besides, separated by commas (`embed_tokens,lm_head`)."""
    num_layer_trainable: int = 3
    """Layers that freeze trains: the last ones, or the first ones when below 0."""
    name_module_trainable: str = "mlp"
    """Modules of those layers that freeze trains, separated by commas; `all`: everything in them."""
    pre_seq_len: int = 16
    """Vectors before the prompt."""
    prefix_projection: bool = False
    """Let a small network make the vectors of p_tuning, as its paper does for hard tasks."""
    prompt_encoder: Literal["mlp", "lstm"] = "mlp"
    """Network that makes the vectors of p_tuning_v1."""
    prompt_text: str = ""
    """Words that prompt_tuning begins with, said again until `pre_seq_len` is full; empty: random tokens."""
    neft_alpha: float = 0.0
    """NEFTune: noise added to the embeddings in training, times 1 / sqrt(tokens x width); 5 is usual, 0 is off."""
    upcast_layernorm: bool = False
    """Keep layer norms in fp32 where the other weights are not."""

    def check_method(self) -> None:
        """Raise InputError where a value makes no sense."""
        one_of(self, "finetuning_type", METHODS)
        at_least(self, 1, ("lora_r", "pre_seq_len"))
        at_least(self, 0, ("neft_alpha",))
        share(self, ("lora_dropout",))
        one_of(self, "prompt_encoder", ("mlp", "lstm"))
        if not re.fullmatch(BEGINNINGS, self.init_lora_weights):
            raise InputError(f"is {self.init_lora_weights!r}", field="init_lora_weights",
                             expected="default, gaussian, pissa, pissa_niter_N or olora")
        if self.use_dora and self.init_lora_weights not in ("default", "gaussian"):
            raise InputError("DoRA learns the length of each weight, and LoRA that begins with parts of the weights is "
                             "kept as two matrices, whose lengths are not one", field="use_dora, init_lora_weights",
                             fix="leave one of the two out")
        if not self.lora_alpha > 0:
            raise InputError(f"is {self.lora_alpha}", field="lora_alpha", expected="above 0")
        if self.num_layer_trainable == 0:
            raise InputError("is 0: nothing would be trained", field="num_layer_trainable")
        if self.prompt_text and self.finetuning_type != "prompt_tuning":
            raise InputError("is set, but finetuning_type is not prompt_tuning", field="prompt_text")
        if len(self.checkpoints) > 1 and self.finetuning_type != "lora":
            raise InputError("names several, and only LoRA adapters can be merged", field="checkpoint_dir")

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """`checkpoint_dir` as names."""
        return tuple(c.strip() for c in self.checkpoint_dir.split(",") if c.strip())
