"""A calibration changes confidence into chances and back into nothing else; thresholds keep what is sure."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.extraction.calibration import (
    VERSION,
    Calibration,
    Curve,
    Fit,
    Interval,
    Target,
    above,
    apply_calibration,
    read_calibration,
)
from iepile.records import Argument, Entity, Event, Facts, Relation, Span

ADA, BOB = Span("Ada", 0, 3), Span("Bob", 8, 11)
FLAT = Interval(0.1, 0.0, 0.2)


def calibration(**curves: Curve) -> Calibration:
    fits = {name.replace("_", "/"): Fit(curve, "logistic", 100, 80, 20, FLAT, FLAT, 0.05)
            for name, curve in curves.items()}
    return Calibration(VERSION, fits, {
        "NER": (Target(0.8, 0.4, 0.81, 0.7), Target(0.9, 0.75, 0.9, 0.5), Target(0.99, None)),
        "*": (Target(0.8, 0.5), Target(0.9, None)),
    })


UNIT = st.floats(0, 1, allow_nan=False)


@given(st.floats(0, 3), st.floats(-3, 0), st.floats(-3, 3), UNIT, UNIT, UNIT, UNIT)
def test_chance_rises_with_confidence_and_support(
    weight: float, dissent: float, offset: float, a: float, b: float, s: float, t: float
) -> None:
    steps = ((-2.0, 0.1), (0.0, 0.1), (1.5, 0.9))
    for curve in (Curve(weight, dissent, offset), Curve(weight, dissent, offset, steps)):
        low, high = curve.chance(min(a, b), min(s, t)), curve.chance(max(a, b), max(s, t))
        assert low is not None and high is not None and 0 <= low <= high <= 1


def test_curves() -> None:
    assert Curve().chance(0.25, None) == 0.25 == Curve(dissent=-2.0).chance(0.25, 1.0)
    assert Curve().chance(1.0, None) == 0.9999  # as sure as four digits can be
    assert Curve().chance(None, 0.5) is None and Curve(untold=0.3).chance(None, 0.5) == 0.3
    assert Curve(0.0, -2.0, 1.0).chance(None, 0.5) == 0.5
    corners = Curve(steps=((-1.0, 0.2), (1.0, 0.6)))
    assert [corners.chance(p, None) for p in (0.01, 0.5, 0.99)] == [0.2, 0.4, 0.6]


def test_each_kind_of_fact_has_its_curve() -> None:
    facts = Facts(
        (Entity("person", ADA, 0.5),), (Relation("met", ADA, BOB, confidence=0.5),),
        (Event("leave", ADA, (Argument("who", BOB, 0.5),), 0.5),),
    )
    up, down = Curve(offset=2.0), Curve(offset=-2.0)
    known = calibration(EE_event=up, EE_argument=down, NER_entity=down)
    ee = apply_calibration(facts, known, "EE")
    assert ee.events[0].confidence == 0.8808 and ee.events[0].arguments[0].confidence == 0.1192
    assert ee.entities[0].confidence is None  # nothing is known of entities in EE
    assert apply_calibration(facts, known, "NER").entities[0].confidence == 0.1192
    rest = Calibration(VERSION, known.fits | {"*/*": known.fits["EE/event"]}, {})
    assert apply_calibration(facts, rest, "RE").relations[0].confidence == 0.8808
    # The question tells triggers: they are not the model's to be sure of.
    eea = apply_calibration(facts, calibration(EEA_argument=up), "EEA").events[0]
    assert eea.confidence is None and eea.arguments[0].confidence == 0.8808


def test_above_keeps_what_is_sure() -> None:
    sure, unsure, unknown = (Entity("x", ADA, c) for c in (0.8, 0.79, None))
    assert above(Facts((sure, unsure, unknown)), 0.8).entities == (sure,)
    assert above(Facts(relations=(Relation("met", ADA, BOB, confidence=0.1),)), 0.2) == Facts()
    arguments = Argument("who", ADA, 0.9), Argument("whom", BOB, 0.2)
    for confidence, kept in ((0.9, 1), (0.1, 0), (None, 1)):
        events = above(Facts(events=(Event("meet", None, arguments, confidence),)), 0.5).events
        assert len(events) == kept and all(e.arguments == arguments[:1] for e in events)
    assert above(Facts(events=(Event("meet", None, arguments[1:]),)), 0.5) == Facts()
    assert above(Facts(events=(Event("meet", ADA, (), 0.5),)), 0.5).events == (Event("meet", ADA, (), 0.5),)


def test_thresholds() -> None:
    known = calibration()
    assert known.threshold(0.8, "NER") == 0.4 and known.threshold(0.85, "NER") == 0.75 == known.threshold(0.9, "NER")
    assert known.threshold(0.5) == 0.5 == known.threshold(0.8, "RE")
    for precision, task in ((0.95, "NER"), (0.9, "RE"), (0.999, "NER")):
        with pytest.raises(InputError, match="was not reached") as e:
            known.threshold(precision, task)
        assert e.value.expected == ("at most 0.9" if task == "NER" else "at most 0.8")
    with pytest.raises(InputError, match="was not reached"):
        Calibration(VERSION, {}, {}).threshold(0.5)


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    known = calibration(NER_entity=Curve(0.5, -1.0, 0.25, ((-1.0, 0.1), (1.0, 0.9)), 0.3))
    file.write_bytes(msgspec.json.encode(known))
    assert read_calibration(str(file)) == known
    file.write_bytes(msgspec.json.encode(known).replace(b'"version":1', b'"version":99'))
    with pytest.raises(InputError, match="version 99"):
        read_calibration(str(file))
    for bad in (b"", b"[]", b'{"version": 1}', b"\xff"):
        file.write_bytes(bad)
        with pytest.raises(InputError, match="no calibration"):
            read_calibration(str(file))
    with pytest.raises(InputError, match="no such file"):
        read_calibration(str(tmp_path / "none.json"))
