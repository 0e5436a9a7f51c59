"""The exported compact model answers as the one in torch does, on its own and on pretrained encoders."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from compact_encoders import FAMILIES, make_encoder
from compact_toy import small, toy
from iepile.errors import InputError, MissingDependency
from iepile.models.compact.calibration import Calibration, Line
from iepile.models.compact.example import Prediction
from iepile.models.compact.model import CompactModel, build
from iepile.models.compact.predictor import Predictor
from iepile.training.compact_tuning import questions

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from iepile.models.compact.onnx_export import export_onnx  # noqa: E402
from iepile.models.compact.onnx_scorer import load_onnx  # noqa: E402

TEXTS = [*(x.text for x in toy()), "", " \n", "\ud800", " ".join(x.text for x in toy()[::4])]
ASKED = [*questions(toy()), *questions(toy())[:4]]


def make_model(folder: Path, **sizes: Any) -> Path:
    """A model with random weights that answers much: there is more to differ in than after training."""
    torch.manual_seed(0)
    thresholds = dict.fromkeys(("entity", "trigger", "relation", "argument"), -2.6)
    config = replace(small().model, thresholds=thresholds, anchor_floor=-2.6, search_floor=-4.0, **sizes)
    labels = {x for q in ASKED for x in (*q.spans, *q.pairs)}
    CompactModel(build(config), labels, Calibration({"entity": Line(0.5, 1.0)})).save(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("compact") / "model")


def assert_alike(one: Predictor, other: Predictor, texts: Sequence[str] = TEXTS) -> None:
    count = 0
    for a, b in zip(one.predict(texts, ASKED), other.predict(texts, ASKED), strict=True):
        for mine, yours in zip(_rows(a), _rows(b), strict=True):
            assert mine[:-1] == yours[:-1]
            assert mine[-1] == pytest.approx(yours[-1], abs=2e-3)
            count += 1
    assert count > 100


def _rows(p: Prediction) -> list[tuple[object, ...]]:
    return [(label, *s) for found in (p.spans, p.pairs) for label, rows in found.items() for s in rows]


def test_an_export_answers_as_the_model_does(folder: Path, tmp_path: Path) -> None:
    model = CompactModel.load(folder)
    served = load_onnx(export_onnx(folder, tmp_path / "onnx"), threads=1)
    assert served.config == model.config
    assert served.labels == model.labels
    assert_alike(model, served)


@pytest.mark.parametrize("sizes", [{"layers": 2, "skip": False}, {"members": 2}])
def test_every_shape_of_network(sizes: dict[str, Any], tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", **sizes)
    assert_alike(CompactModel.load(model), load_onnx(export_onnx(model, tmp_path / "onnx"), threads=1))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_pretrained_encoder_is_exported_too(family: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    encoder = make_encoder(family, tmp_path / "encoder", "".join(x.text for x in toy()))
    model = make_model(tmp_path / "model", encoder=str(encoder))
    assert_alike(CompactModel.load(model), load_onnx(export_onnx(model, tmp_path / "onnx"), threads=1))


def test_the_same_model_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    one, other = (export_onnx(folder, tmp_path / name) for name in ("one", "other"))
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert len(files) == 9
    for file in files:
        assert (one / file).read_bytes() == (other / file).read_bytes()


def test_serving_loads_neither_torch_nor_transformers(folder: Path, tmp_path: Path) -> None:
    export_onnx(folder, tmp_path / "onnx")
    code = (
        "import sys\n"
        "from iepile.models.compact.example import Label, Question\n"
        "from iepile.models.compact.onnx_scorer import load_onnx\n"
        "model = load_onnx(sys.argv[1], threads=1)\n"
        "found = model.predict(['Ada works for Bolt now.'], [Question((Label('entity', 'person'),))])\n"
        "assert found[0].spans[Label('entity', 'person')]\n"
        "assert not {'torch', 'transformers', 'safetensors'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "onnx")], capture_output=True, text=True,
                          check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_folders_of_the_other_kind_and_damaged_ones_are_refused(folder: Path, tmp_path: Path) -> None:
    exported = export_onnx(folder, tmp_path / "onnx")
    with pytest.raises(InputError, match="a compact model for onnx"):
        CompactModel.load(exported)
    with pytest.raises(InputError, match="a compact model for torch"):
        load_onnx(folder)
    with pytest.raises(InputError, match="would replace the model"):
        export_onnx(folder, folder)
    grid = exported / "member-0" / "grid.onnx"
    grid.write_bytes(grid.read_bytes()[:200])
    with pytest.raises(InputError, match="not a readable compact model"):
        load_onnx(exported)


def test_what_is_not_installed_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exported = export_onnx(folder, tmp_path / "onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match=r"iepile\[onnx\]"):
        load_onnx(exported)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependency, match=r"iepile\[onnx\]"):
        export_onnx(folder, tmp_path / "again")
