"""One table: unique, complete, legal by default, and strict."""

import math

import pytest

from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.events import FIELDS, VECTOR_DIM
from rtsynth.params import (
    COMMANDS,
    EVENT_PARAMS,
    PARAMS,
    Curve,
    Param,
    check_value,
    command_named,
    event_param_named,
    param_named,
)

EVERY = [*PARAMS, *EVENT_PARAMS]


def test_ids_and_names_are_unique() -> None:
    assert len({p.id for p in EVERY}) == len(EVERY)
    assert len({p.path for p in PARAMS}) == len(PARAMS)
    assert len({p.path for p in EVENT_PARAMS}) == len(EVENT_PARAMS)
    assert len({c.id for c in COMMANDS}) == len({c.op for c in COMMANDS}) == len(COMMANDS)


def test_event_parameters_are_the_fields_in_order_then_the_vector() -> None:
    vector = [f"vector{i}" for i in range(VECTOR_DIM)]
    assert [p.path for p in EVENT_PARAMS] == [*FIELDS, *vector]
    for param, field in zip(EVENT_PARAMS, FIELDS.values(), strict=False):
        assert (param.minimum, param.maximum, param.default) == (
            field.minimum,
            field.maximum,
            field.default,
        )


@pytest.mark.parametrize("param", EVERY, ids=lambda p: p.path)
def test_default_and_bounds_are_legal_and_what_is_beyond_is_not(param: Param) -> None:
    assert param.minimum <= param.default <= param.maximum
    assert param.description
    for legal in (param.default, param.minimum, param.maximum):
        assert check_value(param, legal) == legal
    beyond: list[object] = [param.minimum - 1, math.nan, -math.inf, "x" * 100, None, [1.0]]
    beyond += [param.maximum + 1, math.inf, 10**400] if math.isfinite(param.maximum) else []
    for value in beyond:
        with pytest.raises(ValueRangeError) as caught:
            check_value(param, value)
        assert f"legal: {param.minimum:g} … {param.maximum:g}" in str(caught.value)
        assert caught.value.field == param.path
        assert len(str(caught.value)) < 200


def test_steps_are_whole_and_may_be_named() -> None:
    _, retrigger = param_named("voice/retrigger")
    assert check_value(retrigger, "overlap") == 1.0
    assert check_value(retrigger, 0.9) == 0.0
    assert check_value(retrigger, True) == 1.0
    with pytest.raises(ValueRangeError, match="cut, overlap"):
        check_value(retrigger, "both")
    for param in EVERY:
        assert param.type == ("i" if param.curve is Curve.STEPPED else "f")
        assert param.smoothing_s == 0.0 or param.curve is not Curve.STEPPED
        assert not param.choices or len(param.choices) == param.maximum + 1


def test_an_index_is_that_of_the_table() -> None:
    for index, param in enumerate(PARAMS):
        assert param_named(param.path) == (index, param)
    for index, param in enumerate(EVENT_PARAMS):
        assert event_param_named(param.path) == (index, param)
    for command in COMMANDS:
        assert command_named(command.op) is command


def test_unknown_names_are_refused_with_the_legal_ones_and_cut_short() -> None:
    with pytest.raises(UnknownNameError, match="master/gain_db"):
        param_named("master/volume")
    with pytest.raises(UnknownNameError, match="onset_s"):
        event_param_named("velocity")
    for find in (param_named, event_param_named, command_named):
        with pytest.raises(UnknownNameError) as caught:
            find("y" * 10_000)
        assert len(str(caught.value)) < 1000


def test_arguments_that_may_be_left_out_come_last() -> None:
    for command in COMMANDS:
        optional = [arg.optional for arg in command.args]
        assert optional == sorted(optional)
        assert all(arg.type in {"id", "f", "i", "b", "s", "path", "pairs"} for arg in command.args)
