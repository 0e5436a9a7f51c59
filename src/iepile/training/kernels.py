"""Fused GPU kernels of the liger-kernel library, where it is installed: norms, rotary positions and gates in one pass.

Its fused head and loss stay off: our own loss computes the head only where something is learned (loss.py).
"""

from __future__ import annotations

import logging
from typing import Any

from iepile.errors import InputError, MissingDependency

logger = logging.getLogger(__name__)


def use_liger(model: Any) -> bool:
    """Put the kernels into a loaded model, before an adapter is put on it; whether the library knows its family.

    Raises:
        MissingDependency: liger-kernel is not installed.
        InputError: the model is not on a GPU.
    """
    try:
        from liger_kernel.transformers import monkey_patch
    except ImportError:
        raise MissingDependency("liger-kernel", "liger", "use_liger_kernel") from None
    if model.device.type != "cuda":
        raise InputError(f"the kernels run on GPUs, and the model is on {model.device.type}",
                         field="use_liger_kernel", fix="leave it out")
    family = model.config.model_type
    if family not in monkey_patch.MODEL_TYPE_TO_APPLY_LIGER_FN:
        logger.warning("liger-kernel knows no %s: the model's own code is used", family)
        return False
    monkey_patch._apply_liger_kernel_to_instance(model, cross_entropy=False, fused_linear_cross_entropy=False)
    return True
