"""Published figures: each with its source, those that are shipped as their tables state them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from iepile.bench.lined import read_lined
from iepile.bench.published import Figure, PublishedFile, read_published
from iepile.bench.report import figure_of
from iepile.bench.suite import Suite
from iepile.errors import InputError

SHIPPED = Path(__file__).parents[2] / "src/iepile/bench/published"
MINE = """source:
  title: A paper of ours
  year: 2026
  url: https://example.org/paper
  scored: micro F1
  texts: {AnatEM: 100}
tables:
  - table: Table 1
    setting: supervised
    task: NER
    models:
      Ours: {AnatEM: 90.5, BosonNLP: 41}
      InstructUIE: {AnatEM: 12.0}
  - table: Table 2
    setting: zero-shot
    task: EE
    group: argument
    models:
      Ours: {FewFC: 33.3}
"""


def test_every_figure_has_a_source_and_a_sensible_value() -> None:
    figures = read_published([])
    assert len(figures.sources) == 3
    for source in figures.sources:
        assert source.title and source.year > 2000 and source.url.startswith("https://") and source.scored
    assert {"InstructUIE", "YAYI-UIE", "UIE", "USM", "ChatGPT", "UniNER-7B", "GLiNER-L"} <= set(figures.models)


@pytest.mark.parametrize(("file", "table", "model", "mean"), [
    ("instructuie", "Table 2", "InstructUIE", 67.98), ("instructuie", "Table 3a", "InstructUIE", 71.69),
    ("instructuie", "Table 3b", "InstructUIE", 66.46), ("gliner", "Table 1", "GLiNER-L", 60.9),
    ("gliner", "Table 1", "UniNER-13B", 55.6), ("gliner", "Table 1", "USM", 37.8),
    ("gliner", "Table 1", "GLiNER-S", 52.7), ("gliner", "Table 1", "Vicuna-7B", 13.0),
])
def test_the_means_that_the_sources_print_come_out(file: str, table: str, model: str, mean: float) -> None:
    """A slip of the pen in one figure would move the mean of its row. (That of GoLLIE is not the mean of its row.)"""
    found, _ = read_lined((SHIPPED / f"{file}.yaml").read_bytes(), file, PublishedFile)
    values = [v for t in found.tables if t.table == table for v in t.models.get(model, {}).values()]
    assert round(sum(values) / len(values), 2) == pytest.approx(mean, abs=0.05 if file == "gliner" else 0.005)


@pytest.mark.parametrize(("task", "sets", "model", "mean"), [
    ("NER", ["CrossNER_AI", "CrossNER_literature", "CrossNER_music", "CrossNER_politics", "CrossNER_science"],
     "YAYI-UIE", 50.39),
    ("NER", ["boson", "clue", "WEIBONER"], "YAYI-UIE", 40.83),
    ("NER", ["boson", "clue", "WEIBONER"], "DeepKE-LLM", 18.53),
    ("NER", ["boson", "clue", "WEIBONER"], "UIE", 38.78), ("RE", ["SKE2020", "COAE2016", "IPRE"], "YAYI-UIE", 37.91),
    ("RE", ["SKE2020", "COAE2016", "IPRE"], "ChatGPT", 16.84), ("RE", ["FewRel", "Wiki-ZSL"], "YAYI-UIE", 38.58),
])
def test_the_means_of_yayi_uie(task: str, sets: list[str], model: str, mean: float) -> None:
    found, _ = read_lined((SHIPPED / "yayi_uie.yaml").read_bytes(), "yayi_uie", PublishedFile)
    table = next(t for t in found.tables if t.task == task)
    assert sum(table.models[model][s] for s in sets) / len(sets) == pytest.approx(mean, abs=0.0051)


def test_a_models_own_paper_goes_before_who_quotes_it() -> None:
    found = read_published([]).of("AnatEM", "supervised", "NER", "entity")
    own = figure_of(found, "InstructUIE")
    assert own is not None and (own.f1, own.quoted, own.texts) == (90.89, False, 3830)
    assert [f.f1 for f in found if f.model == "InstructUIE"] == [90.89, 88.5]


def test_figures_of_ones_own_go_first(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE, "utf-8")
    figures = read_published([str(path)])
    found = figures.of("AnatEM", "supervised", "NER", "entity")
    assert found[0] == Figure("Ours", 90.5, "A paper of ours", 2026, "https://example.org/paper", "Table 1", texts=100)
    own = figure_of(found, "InstructUIE")
    assert own is not None and own.f1 == 12.0
    # Names may be aliases; what is of another setting or group does not count.
    assert figure_of(figures.of("boson", "supervised", "NER", "entity"), "Ours") is not None
    assert figure_of(figures.of("boson", "zero-shot", "NER", "entity"), "Ours") is None
    assert figure_of(figures.of("FewFC", "zero-shot", "EE", "event"), "Ours") is None
    assert figure_of(figures.of("FewFC", "zero-shot", "EE", "argument"), "Ours") is not None


@pytest.mark.parametrize(("old", "new", "line", "said"), [
    ("AnatEM: 90.5", "AnatEM: 190.5", 12, "percent"), ("BosonNLP: 41", "Bosom: 41", 12, "no data set 'Bosom'"),
    ("AnatEM: 90.5", "AnatEM: high", 12, "float"), ("task: NER", "task: NEE", 10, "NEE"),
    ("    group: argument\n", "", 14, "event or argument"), ("group: argument", "group: role", 17, "event or argument"),
    ("url: https://example.org/paper", "url: example.org", 4, "no address"), ("  year: 2026\n", "", 1, "year"),
    ("setting: zero-shot", "setting: few-shot", 15, "few-shot"),
    ("texts: {AnatEM: 100}", "texts: {Anat: 1}", 6, "Anat"), ("  scored: micro F1", "  scored: [", 7, "YAML"),
    ("    task: EE\n", "    task: EE\n    quoted: [Theirs]\n", 17, "Theirs"),
    ("AnatEM: 12.0", "AnatEM: .nan", 13, "percent"),
])
def test_a_bad_file_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in MINE
    path = tmp_path / "mine.yaml"
    path.write_text(MINE.replace(old, new), "utf-8")
    with pytest.raises(InputError) as e:
        read_published([str(path)])
    assert said in str(e.value)
    if "float" not in said:  # which key of a mapping is wrong is not told: the line is that of the mapping
        assert e.value.line == line, str(e.value)
    assert e.value.file == str(path)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda s: s.encode("utf-8", "surrogatepass")))
def test_anything_is_read_or_refused(raw: bytes) -> None:
    for form in (PublishedFile, Suite):
        try:
            read_lined(raw, "x.yaml", form)
        except InputError as e:
            assert e.file == "x.yaml"


VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                      lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3),
                      max_leaves=8)


@given(VALUES, st.sampled_from(["source", "tables", "models", "texts"]))
def test_a_wrong_value_anywhere_is_refused_with_a_line(value: object, where: str) -> None:
    data = yaml.safe_load(MINE)
    holder = data if where in data else data["source"] if where == "texts" else data["tables"][0]
    holder[where] = value
    raw = yaml.safe_dump(data, allow_unicode=True).encode("utf-8", "surrogatepass")
    try:
        found, _ = read_lined(raw, "x.yaml", PublishedFile)
    except InputError as e:
        assert e.line is not None and 1 <= e.line <= raw.count(b"\n") + 1
    else:
        assert isinstance(found, PublishedFile)
