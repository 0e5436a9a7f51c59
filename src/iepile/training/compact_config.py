"""Settings of a training run of the compact model."""

from __future__ import annotations

from dataclasses import dataclass, field

from iepile.models.compact.config import CompactConfig


@dataclass(frozen=True)
class CompactTrainConfig:
    """Settings of a training run."""

    model: CompactConfig = field(default_factory=CompactConfig)
    """Sizes of the model."""
    seed: int = 0
    """Seed of weights, order and dropout."""
    epochs: float | None = None
    """Times the data is gone through; None: as many as `tokens` allows, at most `max_epochs`."""
    max_steps: int | None = None
    """Length in batches; goes before `epochs`."""
    tokens: int = 1_200_000
    """Tokens read in training when neither `epochs` nor `max_steps` is given."""
    max_epochs: float = 30.0
    """Bound on the number of epochs that `tokens` gives."""
    max_minutes: float | None = None
    """Time after which training winds down; such a run cannot be reproduced to the bit."""
    tokens_per_batch: int = 768
    """Tokens of a batch, padding included."""
    learning_rate: float = 3e-3
    """Highest learning rate."""
    embedding_factor: float = 3.0
    """The tables of hashed features and label pieces learn this many times faster."""
    encoder_factor: float = 0.01
    """A pretrained encoder learns at this share of the rate."""
    weight_decay: float = 1e-2
    """Decoupled weight decay."""
    warmup_steps: int = 50
    """Steps in which the rate rises to its highest; it then falls to 0 along a line."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    average: float = 0.0
    """Decay of a running average of the weights, which becomes the model; 0: off."""
    rare_features: float = 4.0
    """A hashed feature used c times in the training texts is dropped with probability r / (r + c)."""
    swap_mentions: float = 0.3
    """Share of the mentions replaced, from the second epoch on, by others of the same labels."""
    negative_labels: int = 24
    """Labels of step one shown in a batch although no text of it has them."""
    negative_anchors: int = 2
    """Wrong but likely heads and triggers shown per text and label."""
    checkpoint_steps: int = 500
    """Steps between checkpoints; 0: none."""
    keep_checkpoints: int = 2
    """Newest checkpoints kept."""
    resume: bool = True
    """Go on from the newest whole checkpoint in the output folder, when it is of the same run."""
    threads: int = 1
    """Threads of torch. More help little with so small a model, and cost much where cores are shared."""
    precision: str = "auto"
    """`fp32`, `bf16` (products of the text encoder only), or `auto`: bf16 where the processor has it."""
