"""The architecture of a model: its family, the class that loads it, and whether it needs code of its own."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from iepile.models.families import agrees, family_of
from iepile.models.vendor import vendor_errors

logger = logging.getLogger(__name__)


def own_code(base: str, places: dict[str, Any]) -> str:
    """The `model_type` of a model that cannot be loaded without code of its own; empty: it can. No code is run.

    Args:
        places: where transformers is to look (`cache_dir`, `revision`, `local_files_only`).

    Raises:
        InputError: a hub model that cannot be reached.
    """
    with vendor_errors(base):
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING
        from transformers.utils import cached_file

        asked = {k: v for k, v in places.items() if k != "trust_remote_code"}
        path = cached_file(base, "config.json", **asked, _raise_exceptions_for_missing_entries=False)
        try:
            config = json.loads(Path(path or "").read_text("utf-8"))
            kind, code = str(config.get("model_type") or "unnamed"), config.get("auto_map")
        except (OSError, ValueError, AttributeError):
            return ""  # transformers says what is wrong with it
        return kind if code and kind not in CONFIG_MAPPING else ""


def family_name(base: str, config: Any, hint: str) -> str:
    """What the family of a model goes by: the user's word where it can be true, else the `model_type`."""
    kind = str(getattr(config, "model_type", ""))
    if hint and not agrees(hint, kind):
        logger.warning("%s: model_name is %s, but its config.json says %s, which holds", base, hint, kind)
        hint = ""
    return hint if family_of(hint) else kind


def auto_class(config: Any, family: str) -> tuple[Any, bool]:
    """The transformers class that loads a configuration, and whether what it gives is an encoder-decoder."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    known = family_of(family)
    own = getattr(config, "auto_map", None) or {}
    if getattr(config, "is_encoder_decoder", False) or (known and known.loader == "seq2seq"):
        return transformers.AutoModelForSeq2SeqLM, True
    if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING or "AutoModelForCausalLM" in own:
        return transformers.AutoModelForCausalLM, False
    if "AutoModel" in own and known and known.loader == "model":
        return transformers.AutoModel, False
    return transformers.AutoModelForCausalLM, False
