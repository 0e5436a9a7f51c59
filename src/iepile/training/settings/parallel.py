"""Settings of tuning: several processes. They are started by torchrun, accelerate or deepspeed."""

from __future__ import annotations

from dataclasses import dataclass

from iepile.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ParallelSettings:
    """How several processes share the work; without either, each holds the whole model (DDP)."""

    deepspeed: str = ""
    """DeepSpeed: `zero2`, `zero3`, `zero2_offload`, `zero3_offload` (shipped), or a JSON file of its settings."""
    fsdp: bool = False
    """FSDP2: weights, gradients and optimizer states are split over the processes."""
    fsdp_offload: bool = False
    """Keep the parts of FSDP2 in main memory while they are not needed."""

    def check_parallel(self) -> None:
        """Raise InputError where a value makes no sense."""
        if self.deepspeed and self.fsdp:
            raise InputError("both are set", field="deepspeed, fsdp", fix="choose one")
        if self.fsdp_offload and not self.fsdp:
            raise InputError("is set without fsdp", field="fsdp_offload")
