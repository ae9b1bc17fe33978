"""Fixtures of the integration tests."""

from collections.abc import Iterator

import pytest

from tests.audio.jack import JackServer
from tests.integration.running import sound_server


@pytest.fixture
def jack(monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    with sound_server(monkeypatch) as server:
        yield server
