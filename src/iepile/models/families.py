"""What is known of model families (families.toml): names, LoRA layers, templates, and how they are loaded.

>>> family_of("Llama-2").name
'llama'
>>> lora_targets("never-heard-of", ["layers.0.mixer"])
'all-linear'

Nothing here is needed to use a model: one of an unknown family is loaded as its own `config.json` says.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

ALL_LINEAR = "all-linear"
"""What peft calls every linear layer but the last."""


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group of models that share their layer names."""

    name: str
    names: tuple[str, ...]
    """What people call its models."""
    model_types: tuple[str, ...]
    """`model_type` in their `config.json`."""
    lora_targets: tuple[str, ...]
    """Ends of the names of the linear layers to adapt."""
    templates: tuple[str, ...] = ()
    """Chat templates for a model whose tokenizer has none, best first."""
    named: dict[str, str] = {}
    """Templates of models that bear a name of their own."""
    kin: tuple[str, ...] = ()
    """Families whose architecture models of these names have as well."""
    loader: Literal["causal", "seq2seq", "model"] = "causal"
    """The transformers class for it: AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoModel."""
    remote_code: bool = False
    """Whether its models bring Python code of their own."""
    note: str = ""
    """What else one must know."""


@cache
def families() -> tuple[Family, ...]:
    """Every family known, in the file's order."""
    data = tomllib.loads(files("iepile.models").joinpath("families.toml").read_text("utf-8"))
    return tuple(msgspec.convert({"name": n} | fields, Family) for n, fields in data.items())


@cache
def family_of(name: str) -> Family | None:
    """The family of a `model_type` or of a name people use; None where it is not known."""
    wanted = _plain(name)
    for family in families():
        if name.lower() in (m.lower() for m in family.model_types):
            return family
    return next((f for f in families() if wanted in map(_plain, (f.name, *f.names))), None)


def agrees(hint: str, model_type: str) -> bool:
    """Whether a name somebody gave a model can be true of one with this `model_type`. An unknown one always can."""
    said, found = family_of(hint), family_of(model_type)
    return said is None or found is None or said == found or found.name in said.kin


def default_templates(name: str) -> tuple[str, ...]:
    """Chat templates for a family, a model name or a `model_type`, best first; none where nothing is known."""
    family = family_of(name)
    if family is None:
        return ()
    own = [t for n, t in family.named.items() if _plain(n) == _plain(name)]
    return tuple(dict.fromkeys([*own, *family.templates]))


def lora_targets(model_type: str, modules: Iterable[str]) -> list[str] | str:
    """Layers to adapt, for peft: names that occur in this model, else `all-linear`.

    Args:
        model_type: that of the model, or the name of its family.
        modules: names of the model's modules, so that a relative with other layers is noticed.
    """
    family = family_of(model_type)
    if family is None:
        return ALL_LINEAR
    names = list(modules)
    present = [t for t in family.lora_targets if any(n == t or n.endswith(f".{t}") for n in names)]
    return present or ALL_LINEAR


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", name.lower())
