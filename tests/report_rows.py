"""Prediction rows for the tests of the report page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from iepile.evaluation.facts import RecordReader
from iepile.evaluation.judged import judged
from iepile.evaluation.page.report_page import PageOptions, report_data
from iepile.evaluation.report import Report
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.instruction import Instruction
from iepile.jsonl import dumps
from iepile.tasks.matching import MATCHES

HOSTILE = ('</script><script>window.hacked = 1</script><!-- <img src=x onerror="window.hacked = 2"> "q" \' & \u2028 '
           "\U0001f469\u200d\U0001f469\u200d\U0001f467 مرحبا __proto__ ${1} \\u003c {{ data }} " + "x" * 500)


def row(
    task: str, n: int, text: str, schema: list[Any], label: Any, output: Any, source: str = "one"
) -> dict[str, Any]:
    """A prediction row."""
    return {"id": f"id{n}", "task": task, "source": source, "label": dumps(label), "output": dumps(output),
            "instruction": Instruction("?", schema, text).render()}


def examples() -> list[dict[str, Any]]:
    """Five texts of three tasks, with errors of many classes and words that would be markup."""
    event = [{"event_type": "hire", "trigger": True, "arguments": ["who", "where"]}]
    rows = [
        row("NER", 1, "Ada Byron met Bob in New York City.", ["person", "place"],
            [{"entity": "Ada Byron", "entity_type": "person"}, {"entity": "New York City", "entity_type": "place"},
             {"entity": "New York", "entity_type": "place"}, {"entity": "Bob", "entity_type": "person"}],
            {"person": ["Ada", "Bob"], "place": ["York City", "Nowhere"]}),
        row("NER", 2, HOSTILE, ["person", HOSTILE[:40]], [{"entity": "</script>", "entity_type": HOSTILE[:40]}],
            {"person": ["</script>", "مرحبا"], HOSTILE[:40]: []}, "<b>two</b>"),
        row("RE", 3, "Ada met Bob. Cy met Di.", ["met"], [{"head": "Ada", "relation": "met", "tail": "Bob"}],
            {"met": [{"subject": "Bob", "object": "Ada"}, {"subject": "Cy", "object": "Di"}]}),
        row("EE", 4, "Acme hired Ada in Rome.", event,
            [{"event_type": "hire", "event_trigger": "hired",
              "arguments": [{"role": "who", "argument": "Ada"}, {"role": "where", "argument": "Rome"}]}],
            {"hire": [{"trigger": "hired", "arguments": {"who": "Rome", "where": "NAN"}}]}, "two"),
        row("NER", 5, "理想汽车在北京。", ["公司", "地点"], [{"entity": "理想汽车", "entity_type": "公司"}],
            {"公司": ["理想汽车"], "地点": ["北京"]}),
    ]
    rows[4]["facts"] = {"entities": [
        {"type": "公司", "span": {"text": "理想汽车", "start": 0, "end": 4}, "confidence": 0.9},
        {"type": "地点", "span": {"text": "北京", "start": 5, "end": 7}, "confidence": 0.6}]}
    return rows


def made(path: Path, **options: Any) -> tuple[Report, dict[str, Any]]:
    """The report of a file, and the data of its page."""
    settings = {k: options.pop(k) for k in ("match", "match_mode", "protocol", "task") if k in options}
    config = EvaluateConfig(path1=str(path), **settings)
    report = evaluate(config)
    reader = RecordReader(config.task, next(m for m in MATCHES if m == config.match), detail=True)
    return report, report_data(config, report, judged(reader, str(path)), PageOptions(**options))
