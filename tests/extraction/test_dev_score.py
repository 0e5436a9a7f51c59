"""Dev F1 of a model in training: the score of its answers, and the model as if nobody had asked."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.errors import InputError
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.extraction.dev_score import DevScorer, as_it_was, draw_documents
from iepile.extraction.engines.transformers import TransformersEngine
from iepile.extraction.predict import PredictConfig, predict
from iepile.instruction import Instruction
from iepile.models.load import load_model
from iepile.training.config import TrainConfig
from iepile.training.data import Example
from iepile.training.layouts.padded import collate
from iepile.training.measurement import DevScore
from iepile.training.parallel.world import World
from iepile.training.start import start_trainee
from iepile.training.trainee import Trainee, Turn
from tiny_models import byte_level_tokenizer, make_family, make_model

NAMES = ["康有为", "梁启超", "孙中山", "黄兴"]


def rows(task: str = "NER", texts: int = 12) -> list[dict[str, Any]]:
    """Two questions a text."""
    out: list[dict[str, Any]] = []
    for n in range(texts):
        name = NAMES[n % 4]
        text = f"{name}在此{n}"
        if task == "NER":
            schemas: list[list[Any]] = [["人物"], ["地点"]]
            label: list[Any] = [{"entity": name, "entity_type": "人物"}]
        else:
            schemas = [["出生地"], ["师从"]]
            label = [{"head": name, "head_type": "", "relation": "师从", "tail": "此", "tail_type": ""}]
        out += ({"id": f"{task}{n}", "task": task, "source": f"S{n % 3}",
                 "instruction": Instruction("找", schema, text).render(),
                 "label": json.dumps(label, ensure_ascii=False)} for schema in schemas)
    return out


def write(path: Path, *some: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in some), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer())


@pytest.fixture
def config(base: Path, tmp_path: Path) -> TrainConfig:
    dev = write(tmp_path / "dev.json", *rows("NER"), *rows("RE", 6))
    return TrainConfig(str(base), "train.json", str(tmp_path / "run"), template="qwen", dev_file=dev, dev_rows=0,
                       max_new_tokens=24, finetuning_type="full", learning_rate=5e-3)


def score(trainee: Trainee, config: TrainConfig, **more: Any) -> DevScore:
    return DevScorer(config)(trainee.model, trainee.tokenizer, trainee.chat, trainee.context, **more)


def teach(trainee: Trainee, steps: int = 1, first: int = 0) -> list[float]:
    """Learn the answers of the dev questions; returns the losses."""
    examples = []
    for n in range(4):
        prompt = trainee.chat.prompt_ids(rows()[2 * n]["instruction"])
        answer = trainee.chat.answer_ids(json.dumps({"人物": [NAMES[n]]}, ensure_ascii=False))
        examples.append(Example(array("i", prompt + answer), len(prompt)))
    batch = collate(examples, trainee.tokenizer.pad_token_id)
    return [trainee.step([Turn(batch, seed)], batch.targets, 5e-3) for seed in range(first, first + steps)]


METHODS: list[dict[str, Any]] = [
    {"finetuning_type": "full"}, {"finetuning_type": "lora", "lora_dropout": 0.1}, {"finetuning_type": "p_tuning"},
    {"finetuning_type": "p_tuning_v1"}, {"finetuning_type": "prompt_tuning"},
    {"finetuning_type": "full", "gradient_checkpointing": True},
]
each_method = pytest.mark.parametrize("more", METHODS, ids=lambda m: "-".join(map(str, m.values())))


@each_method
def test_the_score_is_that_of_the_saved_model(config: TrainConfig, more: dict[str, Any], tmp_path: Path) -> None:
    """Measured in memory, or saved, loaded, predicted and evaluated: the same counts."""
    config = replace(config, **more)
    trainee = start_trainee(config, None)
    teach(trainee, 40)
    found = score(trainee, config)
    folder = tmp_path / "saved"
    folder.mkdir()
    trainee.save(folder)
    predict(PredictConfig(input_file=config.dev_file, output_file=str(tmp_path / "pred.json"), model=str(folder),
                          engine_options={"max_new_tokens": 24, "batch_size": config.per_device_train_batch_size}))
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json")))
    assert found.protocol == report.setting
    assert found.groups == {f"{r.task} {r.group}": (r.score.tp, r.score.pred, r.score.gold) for r in report.scores}
    assert found.tasks == {r.task: r.score.f1 for r in report.scores}  # these tasks have one kind of fact each
    assert found.f1 == pytest.approx(sum(found.tasks.values()) / 2)
    assert (found.rows, found.failed) == (36, 0) and found.groups["NER entity"][2] == 12
    if more == {"finetuning_type": "full"}:
        assert found.tasks["NER"] > 50


@pytest.mark.parametrize("kind", ["t5", "bart", "gemma3_text", "qwen3_5_text", "mamba", "phi3", "gpt2"])
def test_other_families_answer_and_go_on(config: TrainConfig, kind: str, tmp_path: Path) -> None:
    """Encoder-decoders, windows, states in place of attention: all answer, and what they keep of it hinders nothing."""
    folder = make_family(tmp_path / kind, kind)
    config = replace(config, model_name_or_path=str(folder), template="alpaca", dev_rows=4)
    measured, alone = start_trainee(config, None), start_trainee(config, None)
    found = score(measured, config)
    assert (found.rows, found.failed) == (4, 0) and found.groups["NER entity"][2] == 1
    if kind not in ("t5", "bart"):
        assert teach(measured, 2) == teach(alone, 2)


@each_method
def test_measuring_leaves_no_trace_in_what_is_learned(config: TrainConfig, more: dict[str, Any]) -> None:
    config = replace(config, dev_rows=8, **more)
    alone, measured = start_trainee(config, None), start_trainee(config, None)
    scorer = DevScorer(config)
    for step in range(4):
        modes = [m.training for m in measured.model.modules()]
        settings = [vars(m).get("generation_config") for m in measured.model.modules()]
        state = torch.get_rng_state()
        scorer(measured.model, measured.tokenizer, measured.chat, measured.context)
        assert torch.equal(torch.get_rng_state(), state)
        assert [m.training for m in measured.model.modules()] == modes
        after = [vars(m).get("generation_config") for m in measured.model.modules()]
        assert all(a is b for a, b in zip(after, settings, strict=True))
        assert teach(measured, first=step) == teach(alone, first=step)
        assert measured.grad_norm == alone.grad_norm
    for (name, one), two in zip(measured.model.named_parameters(), alone.model.parameters(), strict=True):
        assert torch.equal(one, two), name


def test_what_an_answer_changes_is_put_back(base: Path) -> None:
    model = load_model(base).model
    model.train()
    model.model.layers[0].eval()
    model.config.use_cache = False
    own = model.generation_config
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="in the midst"), as_it_was(model):
        assert not any(m.training for m in model.modules())
        torch.rand(3)
        model.config.use_cache = True
        model.generation_config = None
        model.lm_head.generation_config = own
        raise RuntimeError("in the midst")
    assert model.training and not model.model.layers[0].training and not model.model.layers[0].mlp.training
    assert model.model.layers[1].mlp.training
    assert model.config.use_cache is False and model.generation_config is own
    assert not hasattr(model.lm_head, "generation_config")
    assert torch.equal(torch.get_rng_state(), state)


def test_processes_share_the_documents(config: TrainConfig) -> None:
    """Each of three processes asks a third; the sums are those of one that asks all."""
    trainee = start_trainee(config, None)
    teach(trainee, 40)
    whole = score(trainee, config)
    sums: list[list[float]] = []

    class Part(World):
        def sum(self, values: Any) -> list[float]:
            sums.append(list(values))
            return [float(x) for x in map(sum_of, zip(*sums, strict=True))]

    sum_of = sum
    for rank in range(3):
        found = score(trainee, config, world=Part(rank, 3))
    assert (found.groups, found.tasks, found.f1, found.rows) == (whole.groups, whole.tasks, whole.f1, whole.rows)
    assert len(sums) == 3 and all(s[-3] == 12 for s in sums)


def test_questions_are_asked_as_training_asks(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    generate = TransformersEngine.generate

    def spy(self: TransformersEngine, requests: Any) -> Any:
        requests = list(requests)
        asked.extend(r.instruction for r in requests)
        return generate(self, requests)

    monkeypatch.setattr(TransformersEngine, "generate", spy)
    config = replace(config, dev_rows=4)
    trainee = start_trainee(config, None)
    score(trainee, config)
    score(trainee, replace(config, text_first=True))
    assert [list(json.loads(a)) for a in asked[:4]] == [["instruction", "schema", "input"]] * 4
    assert [list(json.loads(a)) for a in asked[4:]] == [["instruction", "input", "schema"]] * 4
    assert [json.loads(a) for a in asked[:4]] == [json.loads(a) for a in asked[4:]]


def test_a_question_that_does_not_fit_is_told_and_counts(config: TrainConfig, caplog: pytest.LogCaptureFixture) -> None:
    long = rows(texts=1)[0] | {"id": "long", "instruction": Instruction("找", ["人物"], "康有为在此" * 400).render()}
    config = replace(config, dev_file=write(Path(config.dev_file), *rows(texts=2), long))
    found = score(start_trainee(config, None), config)
    assert (found.rows, found.failed) == (5, 1) and found.groups["NER entity"][2] == 3
    assert "1 of 5 dev questions were not answered" in caplog.text and "more than the" in caplog.text


def test_whole_documents_are_drawn_with_the_seed(tmp_path: Path) -> None:
    path = write(tmp_path / "dev.json", *rows("NER", 40), *rows("RE", 10))
    drawn = draw_documents(path, 16, 1)
    assert all(len(d) == 2 and len({q.row["id"] for q in d}) == 1 for d in drawn)
    assert [d[0].task for d in drawn] == ["NER"] * 4 + ["RE"] * 4  # an equal share each
    assert drawn == draw_documents(path, 16, 1) != draw_documents(path, 16, 2)
    order = [r["id"] for r in map(json.loads, Path(path).read_text("utf-8").splitlines())]
    places = [order.index(d[0].row["id"]) for d in drawn]
    assert places == sorted(places)
    assert len(draw_documents(path, 17, 1)) == len(drawn)  # a document that would go over is not begun
    assert [d[0].task for d in draw_documents(path, 1, 1)] == ["NER", "RE"]  # but each task has one
    assert sum(map(len, draw_documents(path, 0, 1))) == 100


def test_documents_without_id_are_told_apart_by_text(tmp_path: Path) -> None:
    path = write(tmp_path / "dev.json", *({k: v for k, v in r.items() if k != "id"} for r in rows(texts=3)))
    assert [len(d) for d in draw_documents(path, 0, 1)] == [2, 2, 2]


@pytest.mark.parametrize(("row", "problem"), [
    ({"task": "NER", "instruction": rows()[0]["instruction"], "output": "{}"}, "row 1 has no label"),
    ({"instruction": "Who?", "input": "Ada.", "label": "Ada"}, "plain words"),
    ({"task": "NER", "instruction": "{", "label": "[]"}, "not an instruction"),
])
def test_rows_that_cannot_be_scored(tmp_path: Path, row: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        draw_documents(write(tmp_path / "dev.json", row), 0, 1)


def test_a_task_without_gold_facts_is_not_scored(config: TrainConfig, caplog: pytest.LogCaptureFixture) -> None:
    empty = [r | {"label": "[]"} for r in rows("RE", 3)]
    config = replace(config, dev_file=write(Path(config.dev_file), *rows(texts=2), *empty))
    found = score(start_trainee(config, None), config)
    assert "for RE holds a fact; dev F1 is without it" in caplog.text
    assert (set(found.tasks), found.f1, found.rows) == ({"NER"}, found.tasks["NER"], 10)
    with pytest.raises(InputError, match="no document that was drawn holds a fact"):
        DevScorer(replace(config, dev_file=write(Path(config.dev_file), *empty)))
