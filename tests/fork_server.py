"""The one server that tests fork processes from: it has loaded the heavy libraries once, so that each starts at once.

A process has one such server, which loads what it was told before it started. So all that any test wants of it stands
here: a test that came second would otherwise fork from one that lacks its libraries.
"""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.context import ForkServerContext

LOADED = [
    "torch", "transformers", "peft", "safetensors.torch", "iepile.training.tune", "iepile.training.methods.lora",
    "iepile.cli.command", "iepile.training.parallel.ddp", "iepile.training.parallel.fsdp",
    "iepile.training.parallel.zero", "deepspeed", "iepile.service.server", "iepile.models.compact.model",
    "iepile.extraction.engines.compact", "iepile.reading.reader",
]
"""Modules; those that cannot be loaded are left out."""


def fork_context() -> ForkServerContext:
    """Starts processes that have `LOADED` already."""
    os.environ["DS_ACCELERATOR"] = "cpu"  # before the server starts, for it loads deepspeed where that is installed
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    return context
