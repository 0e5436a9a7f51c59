"""Where the files of a hub model come from: the hub, or this machine alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

CONNECT_SECONDS = 10.0
"""How long the hub may take to say whether it has a model."""


@cache
def local_only(name: str, file: str = "config.json", cache_dir: str = "") -> bool:
    """Whether to look in this machine's files alone: a folder, or a hub that does not answer.

    Asked once a model, with a short limit, because the libraries would try again for most of a minute.
    """
    if Path(name).is_dir():
        return True
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().model_info(name, timeout=CONNECT_SECONDS)
    except HfHubHTTPError:
        return isinstance(try_to_load_from_cache(name, file, cache_dir=cache_dir or None), str)
    except (OSError, ValueError, RuntimeError):
        return True
    except Exception as e:  # the hub's HTTP library has its own tree of connection errors
        if "connect" in type(e).__name__.lower() or "timeout" in type(e).__name__.lower():
            return True
        raise
    return False
