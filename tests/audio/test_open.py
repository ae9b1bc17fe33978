"""Which device is opened."""

from collections.abc import Callable
from typing import Any

import pytest

from rtsynth.audio import NullDevice, list_devices, open_device, portaudio
from rtsynth.audio.device import DeviceInfo
from rtsynth.errors import DeviceError
from tests.audio.fake import FakeEngine

CARDS = [
    DeviceInfo("Built-in", 0, "Core Audio", 2, 48_000, 0.01, True),
    DeviceInfo("Scarlett 2i2", 3, "Core Audio", 2, 48_000, 0.01, False),
    DeviceInfo("Scarlett 18i8", 4, "Core Audio", 8, 48_000, 0.01, False),
    DeviceInfo("Scarlett", 5, "Core Audio", 2, 48_000, 0.01, False),
    DeviceInfo("Old Scarlett", 6, "Core Audio", 2, 48_000, 0.01, False),
]


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Any:
        raise DeviceError("no sound card can be used: PortAudio library not found")

    monkeypatch.setattr(portaudio, "_imported", none)


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | int | None], DeviceInfo]:
    monkeypatch.setattr(portaudio, "outputs", lambda: CARDS)
    return portaudio.choose


def test_null_is_opened_when_asked_for(engine: FakeEngine) -> None:
    device = open_device(engine, "null", block_size=64)
    assert isinstance(device, NullDevice)
    assert (device.block_size, device.reason, device.latency_frames) == (64, "", 64)


@pytest.mark.usefixtures("no_library")
def test_without_a_sound_card_null_plays_and_says_why_in_one_line(
    engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    device = open_device(engine)
    assert isinstance(device, NullDevice)
    assert "PortAudio library not found" in device.reason
    (record,) = caplog.records
    assert "null device" in record.getMessage()
    assert "\n" not in record.getMessage()


@pytest.mark.usefixtures("no_library")
def test_a_device_asked_for_by_name_is_not_replaced_unless_that_is_allowed(
    engine: FakeEngine,
) -> None:
    with pytest.raises(DeviceError, match="PortAudio"):
        open_device(engine, "Scarlett")
    device = open_device(engine, "Scarlett", fallback=True)
    assert device.name == "null"
    assert device.reason


@pytest.mark.usefixtures("no_library")
def test_the_list_always_holds_the_null_device() -> None:
    (only,) = list_devices()
    assert (only.name, only.index, only.default) == ("null", -1, True)


def test_an_import_that_fails_is_a_device_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def fails(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fails)
    with pytest.raises(DeviceError, match="libportaudio2"):
        portaudio._imported.__wrapped__()


@pytest.mark.parametrize(
    ("name", "index"),
    [
        (None, 0),
        (3, 3),
        ("4", 4),
        ("scarlett", 5),
        ("18i8", 4),
        ("built-in (core", 0),
        ("scarlett (core audio)", 5),
    ],
)
def test_a_device_is_found_by_index_name_or_part_of_it(
    choose: Callable[[str | int | None], DeviceInfo], name: str | int | None, index: int
) -> None:
    assert choose(name).index == index


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Fireface", "no device 'Fireface' for output; there are: 0 Built-in"),
        (7, "no device 7"),
        ("i", "more than one"),
    ],
)
def test_a_device_that_is_none_or_several_is_an_error_with_a_list(
    choose: Callable[[str | int | None], DeviceInfo], name: str | int, message: str
) -> None:
    with pytest.raises(DeviceError, match=message) as caught:
        choose(name)
    assert caught.value.field == "device"
    assert "Scarlett 2i2" in str(caught.value)
