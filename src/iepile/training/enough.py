"""What a tuning run needs of the machine: told before anything is loaded, and where a batch did not fit after all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iepile.errors import IepileError
from iepile.models.device import check_bf16, pick_device
from iepile.models.load import LoadOptions, resolve
from iepile.models.memory import check_memory, model_size, training_bytes
from iepile.models.weights import stored_weights
from iepile.training.config import TrainConfig

FIX = ("set bits 4, bf16 or gradient_checkpointing, take smaller batches or a smaller model, or split it over "
       "processes: fsdp, deepspeed zero3")


def check_machine(config: TrainConfig) -> None:
    """Refuse a run that this machine cannot do, whatever its rows are like.

    The memory of what is split over processes or moved out of a GPU is not judged.

    Raises:
        InputError: with what it needs and what is there.
    """
    device = pick_device(config.device)
    check_bf16(config.bf16, device)
    if config.fsdp or config.deepspeed:
        return
    options = LoadOptions(trust_remote_code=config.trust_remote_code, revision=config.revision,
                          cache_dir=config.cache_dir)
    base = resolve(config.model_name_or_path, options)[0]
    if Path(base).is_dir() and stored_weights(Path(base)) is None:
        return  # loading tells what is wrong with the folder
    size = model_size(base, options)
    whole = config.finetuning_type == "full"
    frozen = "bf16" if config.bf16 else "fp16" if config.fp16 else "fp32"
    needed = training_bytes(size, size.parameters if whole else 0, config.max_tokens_per_batch // 2,
                            "fp32" if whole or config.finetuning_type == "freeze" else frozen, config.bits,
                            config.gradient_checkpointing)
    check_memory(needed, device, f"{config.finetuning_type} tuning of this model", FIX)


@contextmanager
def enough_memory() -> Iterator[None]:
    """Tell a batch that did not fit as such."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as e:
        raise IepileError(
            f"not enough memory: {str(e).splitlines()[0]}\n  do:       lower per_device_train_batch_size and raise "
            "gradient_accumulation_steps, or set gradient_checkpointing or bf16"
        ) from e
