"""Errors of transformers, peft, safetensors and the hub become ours here; and their talk is kept down."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from iepile.errors import IepileError, InputError


@contextmanager
def vendor_errors(name: str) -> Iterator[None]:
    """The one place where errors of transformers, peft, safetensors and the hub become ours."""
    try:
        yield
    except (IepileError, KeyboardInterrupt):
        raise
    except MemoryError as e:
        raise IepileError(f"{name}: not enough memory\n  do:       load it as bf16, or choose a smaller model") from e
    except Exception as e:
        import re

        said = re.sub(r"\s+", " ", str(e)).strip() or type(e).__name__
        low, kind = said.lower(), type(e).__name__
        if "out of memory" in low or kind == "OutOfMemoryError":
            raise IepileError(f"{name}: not enough memory: {said[:200]}\n"
                              "  do:       load it as bf16, use smaller batches, or choose a smaller model") from e
        problem, fix = f"cannot be loaded: {said[:300]}", "check that the folder holds a language model"
        if "trust_remote_code" in low or "custom code" in low:
            problem = "the model brings its own Python code, which is not run unless you allow it"
            fix = "read that code; if you trust it, set trust_remote_code"
        elif isinstance(e, ImportError):
            problem, fix = f"needs a library that is not installed: {said[:300]}", "install what it names"
        elif kind in ("GatedRepoError", "RepositoryNotFoundError", "HFValidationError", "RevisionNotFoundError"):
            problem = f"the hub does not give it: {said[:200]}"
            fix = "check the name and revision, or log in to the hub"
        elif "couldn't connect" in low or kind in ("ConnectError", "ConnectionError", "LocalEntryNotFoundError",
                                                   "OfflineModeIsEnabled", "ConnectTimeout"):
            problem = "not a folder here, not in the local cache, and the hub cannot be reached"
            fix = "check the path, or download the model first and give its folder"
        elif "unrecognized model" in low or "unrecognized configuration" in low or "does not recognize" in low:
            problem = f"not a language model this installation knows: {said[:200]}"
            fix = "check config.json: model_type must name a language model, or the model must bring its own code"
        elif "safetensors" in low and ("no file named" in low or "does not appear to have" in low):
            problem, fix = "holds no weights in safetensors form", "convert them: only safetensors files are read"
        elif kind == "UnpicklingError" or "weights only load failed" in low:
            problem = "its pickled weights hold something that is not numbers, and may be a program: it is not run"
            fix = "take weights in safetensors form"
        elif kind == "SafetensorError":
            problem, fix = f"its weights are damaged: {said[:200]}", "fetch or train the model again"
        raise InputError(problem, file=name, field="model_name_or_path", fix=fix) from e


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars of transformers, which would run into our own lines, nor messages to authors of libraries."""
    from transformers.utils import logging as talk

    # Where peft finds bitsandbytes on a processor, that complains about a faster kernel it could fetch.
    library = logging.getLogger("bitsandbytes")
    level, shown = library.level, talk.is_progress_bar_enabled()
    library.setLevel(logging.ERROR)
    talk.disable_progress_bar()
    try:
        # DeepSpeed, loaded by transformers where it is installed, tells standard output about its accelerator.
        with warnings.catch_warnings(), redirect_stdout(sys.stderr):
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
            warnings.filterwarnings("ignore", message=".*fan_in_fan_out.*", category=UserWarning)
            # Of experts that are one tensor peft looks for ranks and scales among the modules, where they are not.
            warnings.filterwarnings("ignore", message=".*_pattern keys did not match.*", category=RuntimeWarning)
            yield
    finally:
        library.setLevel(level)
        if shown:
            talk.enable_progress_bar()
