"""The archives of this tree, built once for all tests of a worker."""

from __future__ import annotations

import pytest

from built_package import ROOT, Built, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(ROOT, tmp_path_factory.mktemp("dist"))
