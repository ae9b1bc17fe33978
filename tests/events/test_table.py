"""The table stays sorted and finds what sounds."""

import dataclasses
import math

import numpy as np
import pytest

from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.events import FIELDS, Event, EventTable, Kind

TAILS_S = np.array([0.0, 0.05, 1.0, 20.0])


def random_event(rng: np.random.Generator, event_id: int) -> Event:
    """Numbers that float32 holds exactly; onsets often coincide."""
    return Event(
        event_id,
        onset_s=float(rng.integers(0, 40)) / 4.0,
        duration_s=math.inf if rng.random() < 0.3 else float(rng.integers(0, 16)) / 8.0,
        kind=Kind.TEXTURE if rng.random() < 0.1 else Kind.MODAL,
        resonance=int(rng.integers(0, len(TAILS_S))),
        damp=float(rng.choice([0.25, 1.0, 4.0])),
        stretch=float(rng.choice([-2.0, 0.0, 0.5, 1.0, 4.0])),
        release_s=float(rng.choice([0.25, 2.0])),
        gain=float(rng.integers(0, 9)) / 8.0,
    )


def random_table(rng: np.random.Generator, most: int = 40) -> EventTable:
    ids = rng.permutation(200)[: rng.integers(0, most)]
    return EventTable(random_event(rng, int(i)) for i in ids)


def support_end(event: Event) -> float:
    """−80 dB of the slowest mode or of the release, in words of one event."""
    tail = float(TAILS_S[event.resonance])
    if event.stretch < 0.0 and event.kind == Kind.MODAL:  # from its end back to its onset
        return event.onset_s + min(event.duration_s, tail * event.damp, 60.0) / -event.stretch
    if event.kind == Kind.TEXTURE or (event.stretch == 0.0 and tail > 0.0):
        ring = math.inf
    else:
        ring = tail * max(event.damp / event.stretch, 1.0) if tail else 0.0
    return event.onset_s + min(ring, event.duration_s + event.release_s * 80.0 / 60.0)


def test_the_range_query_equals_brute_force_on_1000_tables() -> None:
    rng = np.random.default_rng(0)
    for _ in range(1000):
        table = random_table(rng)
        events = list(table)
        for _ in range(3):
            begin = float(rng.integers(-1, 50)) / 4.0
            end = begin + float(rng.choice([0.0, 0.01, 1.0, math.inf]))
            expected = [
                i for i, e in enumerate(events) if e.onset_s < end and support_end(e) > begin
            ]
            assert table.active(begin, end, TAILS_S).tolist() == expected


def test_the_query_follows_every_edit() -> None:
    rng = np.random.default_rng(1)
    table = random_table(rng)
    for _ in range(200):
        if rng.random() < 0.5 or not len(table):
            table.insert(random_event(rng, table.free_id()))
        else:
            event_id = int(rng.choice(table.rows["id"]))
            if rng.random() < 0.5:
                table.delete(event_id)
            else:
                table.update(random_event(rng, event_id))
        expected = [i for i, e in enumerate(table) if e.onset_s < 5.0 and support_end(e) > 4.0]
        assert table.active(4.0, 5.0, TAILS_S).tolist() == expected


def test_a_frozen_event_rings_for_ever_and_a_silent_one_never() -> None:
    table = EventTable([Event(1, stretch=0.0, resonance=2), Event(2, stretch=0.0, resonance=0)])
    assert table.ends(TAILS_S).tolist() == [math.inf, 0.0]
    assert table.active(1e5, math.inf, TAILS_S).tolist() == [0]


def test_events_are_sorted_by_onset_then_id() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        table = random_table(rng)
        keys = [(e.onset_s, e.id) for e in table]
        assert keys == sorted(keys)
        for row, (_, event_id) in enumerate(keys):
            assert table.index(event_id) == row


@pytest.mark.parametrize("name", FIELDS)
def test_a_bound_comes_back_out_of_the_table(name: str) -> None:
    for bound in (FIELDS[name].minimum, FIELDS[name].maximum):
        number = int(bound) if name in ("resonance", "seed") else bound
        event = Event(1, **{name: number})  # type: ignore[arg-type]
        assert getattr(EventTable([event])[1], name) == bound


def test_an_event_comes_back_as_it_went_in() -> None:
    event = dataclasses.replace(
        random_event(np.random.default_rng(3), 7),
        release_s=0.5,
        name="kick",
        group="low",
        meta={"midi": 36},
        muted=True,
        vector=tuple(float(i) for i in range(32)),
    )
    table = EventTable([event])
    assert table[7] == event
    assert table.id_of("kick") == 7
    assert table.names() == {"kick": 7}
    assert 7 in table
    assert 8 not in table


def test_a_taken_id_or_name_is_refused_and_nothing_is_added() -> None:
    table = EventTable([Event(1, name="a"), Event(2)])
    before = list(table)
    with pytest.raises(ValueRangeError, match="event id 2 is given twice"):
        table.extend([Event(3), Event(2)])
    with pytest.raises(ValueRangeError, match="event id 9 is given twice"):
        table.extend([Event(8), Event(9), Event(9)])
    with pytest.raises(ValueRangeError, match="'a' is given twice"):
        table.insert(Event(4, name="a"))
    with pytest.raises(ValueRangeError, match="'z' is given twice"):
        table.extend([Event(4, name="b"), Event(5, name="z"), Event(6, name="z")])
    assert list(table) == before
    assert table.names() == {"a": 1}


def test_deleting_gives_back_the_event_and_its_name() -> None:
    event = Event(1, onset_s=1.0, name="a", meta={"k": 1}, release_s=0.5)
    table = EventTable([event, Event(2)])
    assert table.delete(1) == event
    assert [e.id for e in table] == [2]
    table.insert(Event(3, name="a"))
    assert table.id_of("a") == 3
    for missing in (1, 99):
        with pytest.raises(UnknownNameError, match=f"no event {missing}"):
            table.delete(missing)
    with pytest.raises(UnknownNameError, match="'b'"):
        table.id_of("b")


def test_updating_moves_renames_and_forgets() -> None:
    table = EventTable([Event(1, name="a", meta={"k": 1}), Event(2, onset_s=1.0, name="b")])
    table.update(Event(1, onset_s=2.0, name="c"))
    assert [e.id for e in table] == [2, 1]
    assert table.names() == {"b": 2, "c": 1}
    assert table[1].meta == {}
    table.update(Event(1, onset_s=2.0))
    assert table.names() == {"b": 2}
    with pytest.raises(ValueRangeError, match="'b' is taken"):
        table.update(Event(1, onset_s=3.0, name="b"))
    assert table[1].onset_s == 2.0
    with pytest.raises(UnknownNameError):
        table.update(Event(5))


def test_free_ids_are_above_all_in_use() -> None:
    assert EventTable().free_id() == 1
    assert EventTable([Event(7), Event(3)]).free_id() == 8


def test_groups_are_shared_by_name() -> None:
    table = EventTable([Event(1, group="low"), Event(2, group="low"), Event(3)])
    assert table.group_names == ["", "low"]
    assert [table[i].group for i in (1, 2, 3)] == ["low", "low", ""]
