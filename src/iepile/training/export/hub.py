"""Upload of a finished export to the hub. Called only where the user named a repository."""

from __future__ import annotations

from pathlib import Path

from iepile.models.vendor import vendor_errors


def push(folder: Path, repository: str, public: bool) -> str:
    """Upload a folder; returns the address of the repository.

    Args:
        repository: `organisation/model`; made where it does not exist, private unless `public`.

    Raises:
        InputError: the hub does not take it.
    """
    from huggingface_hub import HfApi

    with vendor_errors(repository):
        api = HfApi()
        address = api.create_repo(repository, private=not public, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Export of iepile")
    return str(address)
