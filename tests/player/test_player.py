"""What a player says of its devices is what control goes by."""

import time

import pytest

from rtsynth.errors import RtsynthError
from rtsynth.player.player import Player, Settings
from rtsynth.player.process import _player
from tests.engine.bank import engine_on, small_instrument


def test_no_loop_can_close_through_the_null_device() -> None:
    player = Player(engine_on(inputs=1), small_instrument(), Settings("null", 256, "null"))
    player.open()
    facts = player.facts()
    assert (facts["device"], facts["loops"]) == ("null", False)


def test_a_stream_without_inputs_hears_nothing() -> None:
    player = Player(engine_on(), small_instrument(), Settings("null", 256))
    player.open()
    assert player.facts()["input"] == ""


def test_helpers_are_there_while_a_player_plays_and_no_longer() -> None:
    engine = engine_on(cores=2)
    player = Player(engine, small_instrument(), Settings("null", 256))
    player.open()
    assert engine.crew.present == 0
    player.start()
    ends = time.monotonic() + 30.0
    while engine.crew.present == 0 and time.monotonic() < ends:
        time.sleep(0.001)
    assert engine.crew.present == 1
    player.stop()
    assert engine.crew.present == 0


def test_an_engine_process_of_changed_sources_leaves_the_memory_of_a_running_one_alone() -> None:
    """After an update on disk: what lies there was written by another plan."""
    with pytest.raises(RtsynthError, match="stop it and start it"):
        _player({"sources": "of another day"})
