"""Fixtures of the audio tests."""

from collections.abc import Iterator

import pytest

from rtsynth.audio.portaudio import outputs
from rtsynth.errors import DeviceError
from tests.audio.fake import FakeEngine
from tests.audio.jack import JackServer, missing


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture(scope="session")
def jack() -> Iterator[JackServer]:
    """A JACK server that this process's PortAudio is a client of."""
    if missing():
        pytest.skip(missing())
    try:
        outputs()
    except DeviceError as error:
        pytest.skip(str(error))
    server = JackServer()
    if not server.start():
        pytest.skip("jackd is installed but PortAudio does not see it")
    yield server
    server.stop()
