"""An event is legal or it does not exist."""

import dataclasses
import math

import pytest

from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.events import EVENT_DTYPE, FIELDS, VECTOR_DIM, Event, check_field


def test_defaults_are_legal_and_bounds_inclusive() -> None:
    Event(0)
    for name, field in FIELDS.items():
        for value in (field.minimum, field.maximum, field.default):
            assert check_field(name, value) == value


@pytest.mark.parametrize("name", [*FIELDS, "vector0", "vector31"])
def test_a_refusal_shows_the_value_and_the_legal_range(name: str) -> None:
    field = FIELDS.get(name)
    low, high = (field.minimum, field.maximum) if field else (-96.0, 96.0)
    illegal = [low - 1.0, math.nan, -math.inf]
    illegal += [high + 1.0, math.inf] if math.isfinite(high) else []
    for value in illegal:
        with pytest.raises(ValueRangeError) as caught:
            check_field(name, value)
        assert f"{name} = {value!r}" in str(caught.value)
        assert f"legal: {low:g} … {high:g}" in str(caught.value)
        assert caught.value.field == name


def test_what_is_no_number_is_refused_as_out_of_range() -> None:
    values: tuple[object, ...] = ("loud", None, [], 10**400)
    for value in values:
        with pytest.raises(ValueRangeError, match="gain"):
            check_field("gain", value)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["loudness", "vector32", "vector", "vector-1", ""])
def test_an_unknown_field_is_named_with_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"onset_s, .*vector31"):
        check_field(name, 0.0)


@pytest.mark.parametrize("event_id", [-1, 2**32 - 1, 1.5, "1"])
def test_an_id_is_a_whole_number_below_the_last(event_id: object) -> None:
    with pytest.raises(ValueRangeError, match=r"id = .*; legal: 0"):
        Event(event_id)  # type: ignore[arg-type]


def test_a_vector_has_all_its_numbers() -> None:
    with pytest.raises(ValueRangeError, match=f"3 numbers; legal: {VECTOR_DIM}"):
        Event(1, vector=(0.0,) * 3)
    with pytest.raises(ValueRangeError, match="vector7"):
        Event(1, vector=(0.0,) * 7 + (97.0,) + (0.0,) * 24)


@pytest.mark.parametrize(
    "text", ["a b", "a/b", "a*", "?", "a,b", "#a", "[a]", "{a", "\n", "x" * 65]
)
def test_a_label_that_osc_would_misread_is_refused(text: str) -> None:
    for field in ("name", "group"):
        with pytest.raises(ValueRangeError, match=f"{field} = .*printable"):
            Event(1, **{field: text})  # type: ignore[arg-type]
    Event(1, name="Kick-1_ä", group="x" * 64)


def test_an_event_cannot_be_changed_only_replaced() -> None:
    event = Event(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.gain = 2.0  # type: ignore[misc]
    assert dataclasses.replace(event, gain=2.0).gain == 2.0
    with pytest.raises(ValueRangeError):
        dataclasses.replace(event, gain=-1.0)


def test_every_field_has_its_column() -> None:
    assert set(FIELDS) < set(EVENT_DTYPE.names or ())
    assert {f.name for f in dataclasses.fields(Event)} >= set(FIELDS)
