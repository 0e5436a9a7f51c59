"""Load a causal language model with its tokenizer, from a folder, the hub, or a training run of ours.

>>> loaded = load_model("runs/resume/model", LoadOptions(dtype="bf16"))  # doctest: +SKIP

Weights are read from safetensors only, and code that comes with a model is run only when asked for.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iepile.errors import IepileError, InputError, MissingDependency
from iepile.models.card import ModelCard, model_folder, read_card

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "spiece.model",
                   "vocab.txt", "tiktoken.model", "qwen.tiktoken", "ice_text.model", "sentencepiece.bpe.model")
ADAPTER_FILE = "adapter_model.safetensors"
CONNECT_SECONDS = 10.0
"""How long the hub may take to say whether it has a model."""


@dataclass(frozen=True)
class LoadOptions:
    """How to load a model."""

    dtype: str = "auto"
    """`fp32`, `bf16`, `fp16`; `auto`: as the weights are stored on a GPU, fp32 on a processor."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`; `auto`: the first GPU if there is one."""
    adapter: str = ""
    """Folder or hub name of a LoRA adapter to put on the model."""
    trust_remote_code: bool = False
    """Run Python code that comes with the model."""
    revision: str = "main"
    """Branch, tag or commit of a hub model."""


@dataclass(frozen=True)
class Loaded:
    """A model ready to use."""

    model: Any
    """A transformers model, or a peft model where there is an adapter."""
    tokenizer: Any
    """Its tokenizer, with a padding token."""
    card: ModelCard | None
    """How it was trained, when it is one of ours."""
    name: str
    """The model the weights come from, without adapter."""
    adapter: str = ""
    """The adapter put on it."""

    @property
    def context(self) -> int | None:
        """Most tokens the model can hold, where its configuration says."""
        config = getattr(self.model.config, "text_config", None) or self.model.config
        for name in ("max_position_embeddings", "n_positions", "seq_length", "max_seq_len"):
            if isinstance(value := getattr(config, name, None), int) and value > 0:
                return value
        return None


def load_model(name: str | Path, options: LoadOptions | None = None, trainable: bool = False) -> Loaded:
    """Load weights and tokenizer.

    Args:
        name: folder of a model or adapter, output folder of a training run, or hub name.
        trainable: leave an adapter open to training.

    Raises:
        InputError: there is no such model, or it cannot be used; says what to do.
    """
    options = options or LoadOptions()
    base, adapter, card = _resolve(str(name), options)
    with vendor_errors(base):
        torch, transformers = _libraries()
        device = pick_device(options.device)
        dtype: Any = getattr(torch, DTYPES[options.dtype]) if options.dtype in DTYPES else None
        if dtype is None:
            if options.dtype != "auto":
                raise InputError(f"unknown dtype {options.dtype!r}", field="dtype",
                                 expected="auto, " + ", ".join(DTYPES))
            dtype = torch.float32 if device == "cpu" else "auto"
    tokenizer = load_tokenizer(adapter if adapter and _has_tokenizer(adapter) else base, options)
    with vendor_errors(base), quiet():
        model = transformers.AutoModelForCausalLM.from_pretrained(
            base, dtype=dtype, use_safetensors=True, trust_remote_code=options.trust_remote_code,
            revision=options.revision, local_files_only=_local_only(base),
        )
        if len(tokenizer) > model.get_input_embeddings().num_embeddings:
            raise InputError(
                f"the tokenizer has {len(tokenizer)} tokens, the model {model.get_input_embeddings().num_embeddings}",
                file=base, fix="use the tokenizer that came with the model",
            )
        if adapter:
            model = _with_adapter(model, adapter, trainable)
        model = model.to(device)
    model.eval()
    return Loaded(model, tokenizer, card, base, adapter)


def load_tokenizer(name: str | Path, options: LoadOptions | None = None) -> Any:
    """Load a tokenizer; it pads on the left, with its end-of-sequence token if it has no padding token.

    Raises:
        InputError: no tokenizer there, or one without padding and end-of-sequence token.
    """
    options = options or LoadOptions()
    folder = model_folder(name)
    if folder is not None and not _has_tokenizer(str(folder)):
        raise InputError(
            "the folder holds no tokenizer", file=folder, expected="tokenizer.json, or tokenizer.model",
            fix="copy the tokenizer files of the model it was made from into the folder",
        )
    with vendor_errors(str(name)):
        _, transformers = _libraries()
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            str(folder or name), trust_remote_code=options.trust_remote_code, revision=options.revision,
            local_files_only=folder is not None or _local_only(str(name)), padding_side="left",
        )
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise InputError("the tokenizer has neither a padding nor an end-of-sequence token", file=name,
                             fix='set "eos_token" in its tokenizer_config.json')
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def pick_device(device: str) -> str:
    """The device that `auto` stands for; any other name as it is.

    Raises:
        InputError: the device is not there.
    """
    import torch

    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1).to(device)
    except (RuntimeError, AssertionError, NotImplementedError) as e:
        raise InputError(f"device {device!r} cannot be used: {str(e).splitlines()[0]}", field="device",
                         expected="auto, cpu, cuda, cuda:N or mps") from None
    return device


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
        problem, fix = f"cannot be loaded: {said[:300]}", "check that the folder holds a causal language model"
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
            problem = f"not a causal language model this installation knows: {said[:200]}"
            fix = "check config.json: model_type must name a causal language model"
        elif "safetensors" in low and ("no file named" in low or "does not appear to have" in low):
            problem, fix = "holds no weights in safetensors form", "convert them: only safetensors files are read"
        elif kind == "SafetensorError":
            problem, fix = f"its weights are damaged: {said[:200]}", "fetch or train the model again"
        raise InputError(problem, file=name, field="model_name_or_path", fix=fix) from e


def _libraries() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as e:
        raise MissingDependency(e.name or "torch", "train", "a language model") from None
    return torch, transformers


def _resolve(name: str, options: LoadOptions) -> tuple[str, str, ModelCard | None]:
    """Base model, adapter ("" for none) and card of what the user named."""
    folder = model_folder(name)
    adapter = _adapter_folder(options.adapter, options) if options.adapter else None
    card = read_card(adapter) if adapter else None
    if folder is None:
        return name, str(adapter or ""), card
    card = card or read_card(folder)
    if card is not None and card.kind != "causal-lm":
        raise InputError(f"the folder holds a model of kind {card.kind!r}", file=folder,
                         expected="a causal language model", fix="choose the engine made for it")
    if (folder / "adapter_config.json").is_file():
        if adapter:
            raise InputError("both the model and the adapter name an adapter", file=folder, field="adapter",
                             fix="name the base model as the model")
        adapter, base = _adapter_folder(str(folder), options), _base_of(folder, card)
        return base, str(adapter), card
    if not (folder / "config.json").is_file():
        raise InputError("not a model folder: there is no config.json", file=folder, field="model_name_or_path",
                         fix="name the folder that holds config.json and model.safetensors")
    return str(folder), str(adapter or ""), card


def _base_of(adapter: Path, card: ModelCard | None) -> str:
    try:
        named = json.loads((adapter / "adapter_config.json").read_text("utf-8")).get("base_model_name_or_path")
    except (ValueError, OSError, AttributeError) as e:
        raise InputError(f"not an adapter: {e}", file=adapter / "adapter_config.json") from None
    base = (card.base_model if card else "") or named
    if not base:
        raise InputError("the adapter does not say which model it belongs to", file=adapter,
                         fix="name the base model as the model and this folder as the adapter")
    for place in (Path(base), adapter / base):
        if (place / "config.json").is_file():
            return str(place)
    if Path(base).is_absolute():
        raise InputError(f"the base model of this adapter is gone: {base}", file=adapter,
                         fix="name the base model as the model and this folder as the adapter")
    return str(base)


def _adapter_folder(name: str, options: LoadOptions) -> Path:
    """Local folder of an adapter, fetched from the hub if need be, with safetensors weights."""
    folder = model_folder(name)
    if folder is None:
        with vendor_errors(name):
            from huggingface_hub import snapshot_download

            folder = Path(snapshot_download(
                name, revision=options.revision, local_files_only=_local_only(name, "adapter_config.json"),
                allow_patterns=["*.json", ADAPTER_FILE, "*.model", "*.jinja", "*.txt"],
            ))
    if not (folder / "adapter_config.json").is_file():
        raise InputError("not an adapter: there is no adapter_config.json", file=folder, field="adapter")
    if not (folder / ADAPTER_FILE).is_file():
        raise InputError("the adapter holds no weights in safetensors form", file=folder, expected=ADAPTER_FILE,
                         fix="convert them: only safetensors files are read")
    return folder


def _with_adapter(model: Any, folder: str, trainable: bool) -> Any:
    try:
        from peft import PeftModel
    except ImportError:
        raise MissingDependency("peft", "train", "an adapter") from None
    try:
        return PeftModel.from_pretrained(model, folder, is_trainable=trainable)
    except (ValueError, RuntimeError, KeyError) as e:
        raise InputError(f"the adapter does not fit the model: {str(e).strip().splitlines()[0][:300]}", file=folder,
                         field="adapter", fix="name the model the adapter was trained on") from e


def _has_tokenizer(folder: str) -> bool:
    return any((Path(folder) / f).is_file() for f in TOKENIZER_FILES)


def _local_only(name: str, file: str = "config.json") -> bool:
    """Whether to look in this machine's files alone: a folder, or a hub that does not answer.

    Asked once with a short limit, because the libraries would try again for most of a minute.
    """
    if Path(name).is_dir():
        return True
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().model_info(name, timeout=CONNECT_SECONDS)
    except HfHubHTTPError:
        return isinstance(try_to_load_from_cache(name, file), str)
    except (OSError, ValueError, RuntimeError):
        return True
    except Exception as e:  # the hub's HTTP library has its own tree of connection errors
        if "connect" in type(e).__name__.lower() or "timeout" in type(e).__name__.lower():
            return True
        raise
    return False


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars of transformers, which would run into our own lines, nor its messages to authors of peft."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
            warnings.filterwarnings("ignore", message=".*fan_in_fan_out.*", category=UserWarning)
            yield
    finally:
        if shown:
            logging.enable_progress_bar()
