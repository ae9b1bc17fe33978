"""What a decomposition may spend and when it stops, in one frozen record. Thread: any."""

import dataclasses
import hashlib
import json

from rtsynth.errors import ValueRangeError

__all__ = ["DEVICES", "Recipe"]

DEVICES = ("cpu", "cuda", "auto")
FEW_MODES = 32  # with 48 a kit and a singer come out worse
WAYS = ("esprit", "pursuit", "best")

RANGES: dict[str, tuple[float, float, str]] = {
    "onset_threshold": (0.001, 10.0, "nepers"),
    "modes": (1, 128, ""),
    "onset_modes": (1, 128, ""),
    "resonances": (1, 4096, ""),
    "sweeps": (1, 20, ""),
    "peels": (0, 10, ""),
    "mends": (0, 10, ""),
    "newton": (0, 20, ""),
    "weakest_db": (-120.0, 0.0, "dB"),
    "seed": (0, 2**31 - 1, ""),
    "segment_s": (5.0, 120.0, "s"),
    "whole_s": (1.0, 600.0, "s"),
    "curve_steps": (1, 100_000, ""),
    "joint_steps": (0, 1_000_000, ""),
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Settings of a decomposition.

    Attributes:
        onset_threshold: rise of the mean log-magnitude that makes an onset, nepers.
        modes: at most so many per resonance, 1 … 128; found in all its strikes together.
        onset_modes: at most so many of them are looked for in one onset, where other notes sound
            too, 1 … 128.
        way: by which an onset's modes are found: "esprit", matching "pursuit", or "best" for
            whichever explains more of what follows.
        resonances: at most so many resonances, 1 … 4096.
        sweeps: rounds of the joint fit.
        peels: in so many of them, every second one, every resonance's modes are looked for anew.
        mends: in so many more, after these, those partials of which most is left.
        newton: Gauss–Newton steps on all modes, attacks and gains at once, after the last sweep and
            before every one but the first: at most one before the second, two before the third, and
            so on.
        recognise: where all onsets are of keys, look for strikes that were missed or mistaken by
            what the other strikes of their keys sound like, at fainter onsets as well.
        weakest_db: events weaker than this against the loudest are dropped, dB.
        attack: learn the strike's waveform.
        noise: learn the strike's noise.
        offsets: allow gains per mode and event.
        texture: allow a texture event for the noise floor.
        only_texture: one texture event for the whole recording: True always, False never, None if
            it sounds like one (hiss, clicks and hum, nothing that is played).
        moving_noise: noise whose levels move, and what is closer as such than by strikes, is one
            event per stretch of it, its levels drawn by a field; where only_texture is None.
        held: look whether the recording is a line of sustained notes, one event each.
        sustained: the recording is one note, held or let go: make it one event.
        seed: of everything drawn at random.
        whole_s: a recording up to this long is one segment, seconds.
        segment_s: a longer one is cut into segments of about this length, seconds.
        curve_steps: in which a field learns the curves of a line of held notes.
        joint_steps: of the gradient descent on everything at once, after the bake; 0 for none.
        device: of that descent: "cpu", "cuda", or "auto" for whichever is there.
        name: for people.
    """

    onset_threshold: float = 0.008
    modes: int = 128
    onset_modes: int = 48
    way: str = "esprit"
    resonances: int = 1024
    sweeps: int = 3
    peels: int = 1
    mends: int = 1
    newton: int = 2
    recognise: bool = True
    weakest_db: float = -60.0
    attack: bool = True
    noise: bool = True
    offsets: bool = True
    texture: bool = True
    only_texture: bool | None = None
    moving_noise: bool = True
    held: bool = True
    sustained: bool = False
    seed: int = 0
    whole_s: float = 40.0
    segment_s: float = 24.0
    curve_steps: int = 1_600
    joint_steps: int = 0
    device: str = "auto"
    name: str = "fast"

    def __post_init__(self) -> None:
        for name, (low, high, unit) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                legal = f"{low:g} … {high:g} {unit}".strip()
                raise ValueRangeError(f"{name} = {value!r}; legal: {legal}", field=name)
        for name, legal_words in (("device", DEVICES), ("way", WAYS)):
            value = getattr(self, name)
            if value not in legal_words:
                raise ValueRangeError(
                    f"{name} = {value!r}; legal: {', '.join(legal_words)}", field=name
                )

    @property
    def first_modes(self) -> int:
        """At most so many modes of an onset."""
        return min(self.onset_modes, self.modes)

    @property
    def few_modes(self) -> int:
        """At most so many modes of a hit or a held note, which have noise for the rest."""
        return min(FEW_MODES, self.modes)

    @property
    def follows_noise(self) -> bool:
        """Whether a recording may become noise that moves."""
        return self.moving_noise and self.only_texture is None

    def fingerprint(self) -> str:
        """SHA-256 over what decides the events; the name and the device do not."""
        facts = dataclasses.asdict(self)
        for name in ("name", "device"):
            del facts[name]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
