"""Devices and number formats: what is there, and what it can compute."""

from __future__ import annotations

from typing import Any

from iepile.errors import InputError

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


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


def pick_dtype(name: str, device: str) -> Any:
    """The torch dtype of a name; for `auto` fp32 on a processor, else the word `auto` (as the weights are stored).

    Raises:
        InputError: no such format, or the device cannot compute in it.
    """
    import torch

    if name == "auto":
        return torch.float32 if device == "cpu" else "auto"
    if name not in DTYPES:
        raise InputError(f"unknown dtype {name!r}", field="dtype", expected="auto, " + ", ".join(DTYPES))
    check_bf16(name == "bf16", device)
    return getattr(torch, DTYPES[name])


def check_bf16(wanted: bool, device: str) -> None:
    """Refuse bfloat16 on a GPU that only imitates it.

    Raises:
        InputError: with what to use in its place.
    """
    if not wanted or not device.startswith("cuda"):
        return
    import torch

    with torch.cuda.device(device):
        able = torch.cuda.is_bf16_supported(including_emulation=False)
        name = torch.cuda.get_device_name()
    if not able:
        raise InputError(f"{name} does not compute in bfloat16", field="bf16", expected="a GPU of 2020 or later",
                         fix="use fp16, or fp32")
