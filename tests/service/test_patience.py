"""No busy loop, and none of the patience with what died long ago."""

import itertools
import time

from rtsynth.service.patience import LONGEST_S, SILENT_FROM, Patience


def test_the_first_death_costs_nothing_and_the_following_ever_more() -> None:
    patience = Patience()
    waits = []
    for _ in range(12):
        waits.append(patience.lost(crashed=True))
        patience.plays()
    assert waits[0] == 0.0
    assert all(a <= b for a, b in itertools.pairwise(waits))
    assert waits[1] > 0.0
    assert waits[-1] == LONGEST_S


def test_from_the_third_death_in_a_row_on_nothing_sounds() -> None:
    patience = Patience()
    said = []
    for _ in range(SILENT_FROM):
        patience.lost(crashed=True)
        said.append(patience.silent)
    assert said == [False, False, True]


def test_a_device_that_asks_for_nothing_silences_nothing() -> None:
    patience = Patience()
    waits = [patience.lost(crashed=False) for _ in range(5)]
    assert waits[-1] > waits[1]
    assert not patience.silent


def test_who_has_played_for_a_while_is_forgiven() -> None:
    patience = Patience()
    patience.lost(crashed=True)
    patience.lost(crashed=True)
    patience.plays()
    time.sleep(2.05)
    assert patience.lost(crashed=True) == 0.0
    assert patience.failures == 1


def test_those_in_reserve_that_die_are_started_ever_more_rarely() -> None:
    patience = Patience()
    waits = [patience.standby_s() for _ in range(9)]
    assert waits[0] > 0.0
    assert waits[-1] == LONGEST_S
    assert not patience.failures
