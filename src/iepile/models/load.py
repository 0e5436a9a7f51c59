"""Load a language model with its tokenizer, from a folder, the hub, or a training run of ours.

>>> loaded = load_model("runs/resume/model", LoadOptions(dtype="bf16"))  # doctest: +SKIP
>>> chat = loaded.chat()  # doctest: +SKIP

Weights are read from safetensors only, and code that comes with a model is run only when asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from iepile.errors import InputError, MissingDependency
from iepile.models.adapters import CONFIG_FILE, adapter_folder, base_of, put_adapter
from iepile.models.architecture import auto_class, family_name, own_code
from iepile.models.card import ModelCard, model_folder, read_card
from iepile.models.device import pick_device, pick_dtype
from iepile.models.families import family_of
from iepile.models.hub import local_only
from iepile.models.prompt_vectors import room_for_text
from iepile.models.quantise import quantisation
from iepile.models.vendor import quiet, vendor_errors
from iepile.models.weights import check_pickled

if TYPE_CHECKING:
    from iepile.models.chat import Chat

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "spiece.model",
                   "vocab.txt", "tiktoken.model", "qwen.tiktoken", "ice_text.model", "sentencepiece.bpe.model")


@dataclass(frozen=True)
class LoadOptions:
    """How to load a model."""

    dtype: str = "auto"
    """`fp32`, `bf16`, `fp16`; `auto`: as the weights are stored on a GPU, fp32 on a processor."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`; `auto`: the first GPU if there is one."""
    adapter: str = ""
    """Folder or hub name of an adapter to put on the model. Several, separated by commas: all but the last are merged
    into the weights first."""
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
    family: str = ""
    """What its family goes by: the user's word where it can be true, else the `model_type`."""
    encoder_decoder: bool = False
    """Whether an encoder reads the prompt and a decoder writes the answer."""

    @property
    def context(self) -> int | None:
        """Most tokens the model can hold, where its configuration says; vectors before the prompt take their part.

        For an encoder-decoder: of the prompt, and of the answer, each.
        """
        return room_for_text(self.model, self._places)

    @property
    def _places(self) -> int | None:
        config = getattr(self.model.config, "text_config", None) or self.model.config
        if getattr(config, "relative_attention_num_buckets", None):
            return None  # T5 counts distances, not places: its n_positions only says how it was trained
        for name in ("max_position_embeddings", "n_positions", "seq_length", "max_seq_len"):
            if isinstance(value := getattr(config, name, None), int) and value > 0:
                return value
        return None

    def chat(self, template: str = "", system: str | None = None) -> Chat:
        """Its chat: the template named here, else the card's, the tokenizer's own, the family's, `alpaca`.

        Args:
            system: the system sentence; None: the card's, else the template's own.

        Raises:
            InputError: unknown template, or one whose special tokens the tokenizer lacks.
        """
        from iepile.models.chat import Chat

        if self.card is not None:
            template, system = template or self.card.template, self.card.system if system is None else system
        return Chat(self.tokenizer, template, system, self.family, self.encoder_decoder)


def load_model(name: str | Path, options: LoadOptions | None = None, trainable: bool = False) -> Loaded:
    """Load weights and tokenizer.

    Args:
        name: folder of a model or adapter, output folder of a training run, or hub name.
        trainable: leave an adapter open to training.

    Raises:
        InputError: there is no such model, or it cannot be used; says what to do.
        MissingDependency: a library for it is not installed.
    """
    options = options or LoadOptions()
    base, adapters, card = resolve(str(name), options)
    with vendor_errors(base):
        _libraries()
        device = pick_device(options.device)
        dtype = pick_dtype(options.dtype, device)
        quantised = quantisation(options.bits, options.quant_type, options.double_quant, dtype)
    config = load_config(base, options)
    family = family_name(base, config, options.model_name)
    last = adapters[-1] if adapters else None
    tokenizer = _tokenizer_of(base, last, options)
    with vendor_errors(base), quiet():
        auto, encoder_decoder = auto_class(config, family)
        model = auto.from_pretrained(base, **_settings(base, config, options, dtype), quantization_config=quantised,
                                     **({"device_map": {"": device}} if quantised else {}))
        if quantised:
            _keep_layout(model)
        rows = model.get_input_embeddings().num_embeddings
        if len(tokenizer) > rows:
            raise InputError(f"the tokenizer has {len(tokenizer)} tokens, the model {rows}", file=base,
                             fix="use the tokenizer that came with the model")
        for n, adapter in enumerate(adapters, 1):
            model = put_adapter(model, adapter, base, trainable and n == len(adapters))
            if n < len(adapters):
                model = model.merge_and_unload()
        if not quantised:
            model = model.to(device)
    model.eval()
    return Loaded(model, tokenizer, card, base, str(last or ""), family, encoder_decoder)


def load_without_weights(name: str | Path, options: LoadOptions | None = None) -> Loaded:
    """Tokenizer, template and sizes of a model: enough to write prompts and to know how long they may be.

    Raises:
        InputError: as `load_model`.
    """
    options = options or LoadOptions()
    base, adapters, card = resolve(str(name), options)
    config = load_config(base, options)
    family = family_name(base, config, options.model_name)
    last = adapters[-1] if adapters else None
    put = None
    if last is not None:
        from peft import PeftConfig

        with vendor_errors(base):
            put = PeftConfig.from_pretrained(str(last))
    with vendor_errors(base):
        _, encoder_decoder = auto_class(config, family)
    hollow = SimpleNamespace(config=config, active_peft_config=put)
    return Loaded(hollow, _tokenizer_of(base, last, options), card, base, str(last or ""), family, encoder_decoder)


def load_config(base: str, options: LoadOptions) -> Any:
    """The transformers configuration of a model.

    Raises:
        InputError: there is none, or it comes with code that was not allowed to run.
    """
    own = own_code(base, _places(base, options))
    if own and not options.trust_remote_code:
        family = family_of(own) or family_of(options.model_name)
        what = f"models of the family {family.name}" if family else f"models of type {own!r}"
        raise InputError(f"{what} bring their own Python code, which is not run unless you allow it", file=base,
                         field="trust_remote_code", fix="read the code in that folder; if you trust it, set "
                         "trust_remote_code")
    with vendor_errors(base):
        _, transformers = _libraries()
        return transformers.AutoConfig.from_pretrained(base, **_places(base, options))


def load_tokenizer(name: str | Path, options: LoadOptions | None = None) -> Any:
    """Load a tokenizer; it pads on the left, with its end-of-sequence token if it has no padding token.

    Raises:
        InputError: no tokenizer there, or one without padding and end-of-sequence token.
    """
    options = options or LoadOptions()
    folder = model_folder(name)
    if folder is not None and not _has_tokenizer(folder):
        raise InputError(
            "the folder holds no tokenizer", file=folder, expected="tokenizer.json, or tokenizer.model",
            fix="copy the tokenizer files of the model it was made from into the folder",
        )
    with vendor_errors(str(name)):
        _, transformers = _libraries()
        place = str(folder or name)
        tokenizer = transformers.AutoTokenizer.from_pretrained(place, **_places(place, options), padding_side="left")
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise InputError("the tokenizer has neither a padding nor an end-of-sequence token", file=name,
                             fix='set "eos_token" in its tokenizer_config.json')
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _tokenizer_of(base: str, adapter: Path | None, options: LoadOptions) -> Any:
    return load_tokenizer(adapter if adapter and _has_tokenizer(adapter) else base, options)


def _libraries() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as e:
        raise MissingDependency(e.name or "torch", "train", "a language model") from None
    return torch, transformers


def resolve(name: str, options: LoadOptions) -> tuple[str, list[Path], ModelCard | None]:
    """Base model, adapters and card of what the user named.

    Raises:
        InputError: there is no such model or adapter.
    """
    folder = model_folder(name)
    asked = [a.strip() for a in options.adapter.split(",") if a.strip()]
    adapters = [adapter_folder(a, options.revision, options.cache_dir) for a in asked]
    if len(adapters) > 1 and options.bits != 16:
        raise InputError("several adapters are merged into the weights, which quantised weights do not allow",
                         field="bits", expected="16", fix="merge all but the last with: iepile export")
    card = read_card(adapters[-1]) if adapters else None
    if folder is None:
        return name, adapters, card
    card = card or read_card(folder)
    if card is not None and card.kind != "causal-lm":
        raise InputError(f"the folder holds a model of kind {card.kind!r}", file=folder,
                         expected="a language model", fix="choose the engine made for it")
    if (folder / CONFIG_FILE).is_file():
        if adapters:
            raise InputError("both the model and the adapter name an adapter", file=folder, field="adapter",
                             fix="name the base model as the model")
        return base_of(folder, card), [adapter_folder(str(folder))], card
    if not (folder / "config.json").is_file():
        raise InputError("not a model folder: there is no config.json", file=folder, field="model_name_or_path",
                         fix="name the folder that holds config.json and model.safetensors")
    return str(folder), adapters, card


def _places(base: str, options: LoadOptions) -> dict[str, Any]:
    return {"trust_remote_code": options.trust_remote_code, "revision": options.revision,
            "cache_dir": options.cache_dir or None,
            "local_files_only": local_only(base, cache_dir=options.cache_dir)}


def _settings(base: str, config: Any, options: LoadOptions, dtype: Any) -> dict[str, Any]:
    folder = Path(base)
    pickled = folder.is_dir() and check_pickled(folder, options.allow_pickle_weights)
    loose = options.allow_pickle_weights and (pickled or not folder.is_dir())
    made = _places(base, options) | {"config": config, "dtype": dtype, "use_safetensors": None if loose else True}
    if options.attn_implementation != "auto":
        made["attn_implementation"] = options.attn_implementation
    return made


def _keep_layout(model: Any) -> None:
    # On some processors bitsandbytes would pack 4-bit weights another way at the first answer: their scales are rounded
    # again, DoRA reads the packed numbers as weights, and training loses its gradients.
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / f).is_file() for f in TOKENIZER_FILES)
