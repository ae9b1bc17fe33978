"""JSON lines between two processes."""

import os

from rtsynth.player.link import Link


def pair() -> tuple[Link, Link]:
    one_in, two_out = os.pipe()
    two_in, one_out = os.pipe()
    one = Link(os.fdopen(one_in, "rb"), os.fdopen(one_out, "wb", buffering=0))
    return one, Link(os.fdopen(two_in, "rb"), os.fdopen(two_out, "wb", buffering=0))


def test_what_is_said_is_heard_until_the_other_end_closes() -> None:
    one, two = pair()
    assert one.say(playing={"device": "null"})
    assert one.say(stop=True)
    one.close()
    assert list(two.heard()) == [{"playing": {"device": "null"}}, {"stop": True}]
    assert not two.say(late=1)
    two.close()


def test_lines_that_are_no_message_are_left_out() -> None:
    one, two = pair()
    one._outgoing.write(b"\xff\xfe\n[1, 2]\n{\n\n" + b'{"rate": 48000}\n')
    one.close()
    assert list(two.heard()) == [{"rate": 48_000}]
    two.close()
