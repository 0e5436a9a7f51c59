"""The archives of this tree, built once for all tests of a worker."""

from __future__ import annotations

import pytest

from built_package import Built, build, copy_tree


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    return build(copy_tree(folder / "tree"), folder / "dist")
