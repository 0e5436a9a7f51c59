"""Names alike for an embedding model: any that sentence-transformers opens from a folder, safetensors only.

Needs the extra `embeddings`. Nothing is fetched, and no code or pickle of the folder is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from iepile.errors import InputError, MissingDependency
from iepile.graph.merging.evidence import Embed

_PICKLED = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}


def embedding_of(path: str | Path) -> Embed:
    """The function that embeds names with the model in a folder.

    Raises:
        InputError: no such folder, no model in it, or one whose weights are not safetensors.
        MissingDependency: sentence-transformers is not installed.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError("no such folder", file=path, field="embedding_model", expected="a folder with a model",
                         fix="download the model first")
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in _PICKLED and not any(file.parent.glob("*.safetensors")):
            raise InputError("weights that are not safetensors", file=file, field="embedding_model",
                             expected=".safetensors", fix="convert the model first")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise MissingDependency("sentence-transformers", "embeddings", "merging by an embedding model") from None
    try:
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, trust_remote_code=False,
                                    model_kwargs={"use_safetensors": True})
    except (OSError, ValueError, TypeError) as e:
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise InputError(f"no embedding model: {reason}", file=path, field="embedding_model",
                         expected="a folder that sentence-transformers opens") from None

    def embed(names: list[str]) -> Any:
        return model.encode(names, batch_size=64, show_progress_bar=False, convert_to_numpy=True)

    return embed
