"""Extras: each is documented, whole in `iepile doctor`, and named where a library of it is missing."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from iepile.cli import doctor
from iepile.cli.main import main
from iepile.cli.missing import extra_of, missing

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
DISTRIBUTION = {"charset_normalizer": "charset-normalizer", "docx": "python-docx", "jwt": "pyjwt",
                "liger_kernel": "liger-kernel", "onnxruntime": "onnxruntime", "prometheus_client": "prometheus-client",
                "pycrfsuite": "python-crfsuite", "python_multipart": "python-multipart",
                "sentence_transformers": "sentence-transformers", "yaml": "pyyaml"}
"""Module -> package, where the names differ."""
COMES_WITH = {"anyio": "fastapi", "h11": "uvicorn", "huggingface_hub": "transformers", "markdown_it": "rich",
              "markupsafe": "jinja2", "pydantic": "fastapi", "starlette": "fastapi", "tokenizers": "transformers"}
"""Modules of packages that others cannot do without."""


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~!; ]", r, maxsplit=1)[0].lower() for r in requirements}


@cache
def modules() -> list[tuple[Path, ast.Module]]:
    return [(p, ast.parse(p.read_text("utf-8"))) for p in sorted((ROOT / "src").rglob("*.py"))]


def imported() -> dict[str, Path]:
    """Modules of other packages that the package imports anywhere, and a file that does."""
    out: dict[str, Path] = {}
    for path, tree in modules():
        for node in ast.walk(tree):
            found = ([a.name for a in node.names] if isinstance(node, ast.Import)
                     else [node.module] if isinstance(node, ast.ImportFrom) and node.module else [])
            for name in found:
                out.setdefault(name.partition(".")[0], path)
    return {name: path for name, path in out.items() if name not in sys.stdlib_module_names and name != "iepile"}


def test_every_library_is_of_the_core_or_of_an_extra_that_is_named_for_it() -> None:
    core = names(PROJECT["dependencies"])
    for module, path in imported().items():
        package = DISTRIBUTION.get(module, COMES_WITH.get(module, module))
        if package in core:
            continue
        extra = extra_of(module)
        assert extra, f"{path} imports {module}: doctor.toml names no extra for it"
        assert package in names(EXTRAS[extra]), f"{path} imports {module}, which the extra {extra} does not bring"


def test_extras_that_are_named_for_modules_exist() -> None:
    table = tomllib.loads((ROOT / "src/iepile/cli/doctor.toml").read_text("utf-8"))["modules"]
    for module, extra in table.items():
        package = DISTRIBUTION.get(module, COMES_WITH.get(module, module))
        assert package in names(EXTRAS[extra]), module


def test_errors_name_extras_that_bring_the_library() -> None:
    found = 0
    for path, tree in modules():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "MissingDependency"):
                continue
            if isinstance(node.args[0], ast.Starred):
                continue  # one of another process, raised again
            found += 1
            if not isinstance(node.args[1], ast.Constant):
                assert path.name == "missing.py"  # from the table that is tested above
                continue
            extra = node.args[1].value
            assert extra in EXTRAS, f"{path}:{node.lineno} names the extra {extra!r}"
            if isinstance(node.args[0], ast.Constant):
                package = node.args[0].value.lower()
                assert {package, COMES_WITH.get(package, package)} & names(EXTRAS[extra]), f"{path}:{node.lineno}"
    assert found > 30


def test_all_is_what_installs_anywhere() -> None:
    (everything,) = EXTRAS["all"]
    parts = set(re.fullmatch(r"iepile\[(.*)\]", everything).group(1).split(","))  # type: ignore[union-attr]
    needs_more = {"deepspeed", "liger", "ray", "trackers"}  # a compiler, a GPU, a cluster, an account
    assert parts == EXTRAS.keys() - {"all", "dev", "docs"} - needs_more


@pytest.mark.parametrize("page", ["docs/en/install.md", "docs/zh/install.md"])
def test_the_page_has_a_line_for_each_extra(page: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", (ROOT / page).read_text("utf-8"), re.M)
    told = {name: {p.lower() for p in re.findall(r"`([^`]+)`", libraries)} for name, _, libraries, _ in rows}
    assert told.keys() == EXTRAS.keys() - {"dev"}
    for name, libraries in told.items():
        expected = (set(re.findall(r"\w+", EXTRAS["all"][0])) - {"iepile"} if name == "all" else names(EXTRAS[name]))
        assert libraries == expected, name
    for name, what, _, size in rows:
        assert what.strip() and (re.search(r"\d+ [MG]B", size) or size.strip() in ("-",)), name


def test_a_library_that_is_not_there_is_told_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "iepile.cli.training", None)
    with pytest.raises(ModuleNotFoundError):  # a file of our own that is missing is no matter of extras
        main(["train"])
    error = ModuleNotFoundError("No module named 'torch'", name="torch")
    assert str(missing(error, "train")) == ("iepile train needs torch, which is not installed\n"
                                            "  do:       pip install 'iepile[train]'")
    assert missing(ModuleNotFoundError("x", name="iepile.x"), "train") is None

    def broken(argv: list[str]) -> int:
        raise error

    monkeypatch.setattr(doctor, "doctor", broken)
    assert main(["doctor"]) == 2
    assert "pip install 'iepile[train]'" in capsys.readouterr().err
