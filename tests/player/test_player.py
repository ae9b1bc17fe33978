"""What a player says of its devices is what control goes by."""

from rtsynth.player.player import Player, Settings
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
