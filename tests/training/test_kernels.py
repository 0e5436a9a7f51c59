"""Fused kernels: asked for with the loss left to us, refused where they cannot run. The kernels need a GPU."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from iepile.errors import InputError, MissingDependency
from iepile.training.kernels import use_liger
from toy_families import toy


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, Any]]]:
    """A library with the functions of liger-kernel 0.8 that notes what it is asked."""
    seen: list[tuple[Any, dict[str, Any]]] = []
    inner = ModuleType("liger_kernel.transformers.monkey_patch")
    inner.MODEL_TYPE_TO_APPLY_LIGER_FN = {"llama": None}  # type: ignore[attr-defined]
    inner._apply_liger_kernel_to_instance = lambda m, **k: seen.append((m, k))  # type: ignore[attr-defined]
    outer = ModuleType("liger_kernel.transformers")
    outer.monkey_patch = inner  # type: ignore[attr-defined]
    for name, module in (("liger_kernel", ModuleType("liger_kernel")), (outer.__name__, outer)):
        monkeypatch.setitem(sys.modules, name, module)
    return seen


def on_gpu(family: str) -> Any:
    return SimpleNamespace(device=SimpleNamespace(type="cuda"), config=SimpleNamespace(model_type=family))


def test_the_loss_stays_ours(calls: list[tuple[Any, dict[str, Any]]]) -> None:
    model = on_gpu("llama")
    assert use_liger(model)
    assert calls == [(model, {"cross_entropy": False, "fused_linear_cross_entropy": False})]
    assert not use_liger(on_gpu("moss")) and len(calls) == 1


def test_on_a_processor_it_is_refused(calls: list[tuple[Any, dict[str, Any]]]) -> None:
    with pytest.raises(InputError, match="the model is on cpu"):
        use_liger(toy("llama"))
    assert not calls


@pytest.mark.skipif(importlib.util.find_spec("liger_kernel") is not None, reason="it is installed")
def test_where_it_is_missing_the_message_says_what_to_install() -> None:
    with pytest.raises(MissingDependency, match="liger-kernel"):
        use_liger(on_gpu("llama"))
