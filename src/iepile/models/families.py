"""What is known of model families (families.toml): their names and the layers that LoRA adapts.

>>> family_of("llama").name
'llama'
>>> lora_targets("never-heard-of", ["layers.0.mixer"])
'all-linear'
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import msgspec

ALL_LINEAR = "all-linear"
"""What peft calls every linear layer but the last."""


class Family(msgspec.Struct, frozen=True):
    """A group of models that share their layer names."""

    name: str
    names: tuple[str, ...]
    """What people call its models."""
    model_types: tuple[str, ...]
    """`model_type` in their `config.json`."""
    lora_targets: tuple[str, ...]
    """Ends of the names of the linear layers to adapt."""


@cache
def families() -> tuple[Family, ...]:
    """Every family known, in the file's order."""
    data = tomllib.loads(files("iepile.models").joinpath("families.toml").read_text("utf-8"))
    return tuple(msgspec.convert({"name": n} | fields, Family) for n, fields in data.items())


def family_of(name: str) -> Family | None:
    """The family of a `model_type` or of a name people use; None where it is not known."""
    wanted = name.lower()
    for family in families():
        if wanted in (m.lower() for m in family.model_types):
            return family
    return next((f for f in families() if wanted == f.name or wanted in f.names), None)


def lora_targets(model_type: str, modules: Iterable[str]) -> list[str] | str:
    """Layers to adapt, for peft: names that occur in this model, else `all-linear`.

    Args:
        modules: names of the model's modules, so that a relative with other layers is noticed.
    """
    family = family_of(model_type)
    if family is None:
        return ALL_LINEAR
    names = list(modules)
    present = [t for t in family.lora_targets if any(n == t or n.endswith(f".{t}") for n in names)]
    return present or ALL_LINEAR
