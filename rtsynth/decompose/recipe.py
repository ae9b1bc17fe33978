"""What a decomposition may spend and when it stops, in one frozen record. Thread: any."""

import dataclasses

from rtsynth.errors import ValueRangeError

__all__ = ["Recipe"]

RANGES: dict[str, tuple[float, float, str]] = {
    "onset_threshold": (0.001, 10.0, "nepers"),
    "modes": (1, 32, ""),
    "resonances": (1, 128, ""),
    "sweeps": (1, 20, ""),
    "weakest_db": (-120.0, 0.0, "dB"),
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Settings of a decomposition.

    Attributes:
        onset_threshold: rise of the mean log-magnitude that makes an onset, nepers.
        modes: at most so many modes per resonance, 1 … 32.
        resonances: at most so many resonances, 1 … 128.
        sweeps: rounds of the joint fit.
        weakest_db: events weaker than this against the loudest are dropped, dB.
        attack: learn the strike's waveform.
        noise: learn the strike's noise.
        offsets: allow gains per mode and event.
        texture: allow a texture event for the noise floor.
        only_texture: one texture event for the whole recording: True always, False never, None if
            it sounds like one (hiss, clicks and hum, nothing that is played).
        sustained: the recording is one note, held or let go: make it one event.
    """

    onset_threshold: float = 0.008
    modes: int = 32
    resonances: int = 128
    sweeps: int = 4
    weakest_db: float = -60.0
    attack: bool = True
    noise: bool = True
    offsets: bool = True
    texture: bool = True
    only_texture: bool | None = None
    sustained: bool = False

    def __post_init__(self) -> None:
        for name, (low, high, unit) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                legal = f"{low:g} … {high:g} {unit}".strip()
                raise ValueRangeError(f"{name} = {value!r}; legal: {legal}", field=name)
