"""The instrument: the bank and how it is excited, as plain arrays. Thread: any."""

import dataclasses
import hashlib
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.errors import FileFormatError
from rtsynth.events import VECTOR_DIM
from rtsynth.instrument.bands import NOISE_BANDS
from rtsynth.instrument.field import FieldWeights
from rtsynth.instrument.older import with_fine_bands
from rtsynth.instrument.passive import passive_impulse
from rtsynth.safefile import format_version, load_arrays, save_arrays

__all__ = ["INSTRUMENT_VERSION", "Instrument"]

INSTRUMENT_VERSION = (2, 0)
ENVELOPE_POINTS = 64
FILTER_TAPS = 32
HUM_PARTIALS = 8
MAX_STRIKE_S = 0.2
LONGEST_ATTACK_S = 0.5
EXCITED_S = 0.25  # a strike, and most attacks, are over by then
MAX_RESONANCES = 4096
MAX_MODES = 4096
MAX_RATE_HZ = 50.0
MAX_MACRO = 32
METADATA_FIELDS = ("attack_rate", "names", "macros", "attack_s")
ADDED_ARRAYS = (
    "blow_gain", "blow_dry", "blow_wet", "bow", "am_rate_hz", "am_depth_db", "click_rate_hz",
    "click_gain", "click_spread_db", "hum_hz", "hum_gain", "mode_map", "blow_t60_s",
)  # fmt: skip
"""Arrays that version 1.0 did not have."""
NOT_NEGATIVE = (
    "impulse", "strike_envelope", "strike_dry", "strike_wet", "texture_gain",
    *(name for name in ADDED_ARRAYS if name != "mode_map"),
)  # fmt: skip

FloatArray = NDArray[np.float32]


@dataclasses.dataclass
class Instrument:
    """The bank as arrays; R resonances of at most M modes, A samples of attack.

    Attributes:
        freq_hz: [R, M], 0 where a resonance has fewer modes; otherwise 20 … 24 000 Hz.
        t60_s: [R, M], 0.001 … 100 s where freq_hz > 0.
        mode_gain: [R, M, 2], real and imaginary part, 1/s.
        impulse: [R], strength of the strike, seconds, ≥ 0.
        attack: [R, A], waveform at attack_rate, for gain 1; at most 0.5 s.
        attack_rate: Hz; the filter's taps are at this rate too.
        strike_s: [R], length of the strike's noise, 0 … 0.2 s.
        strike_envelope: [R, 64], ≥ 0.
        strike_filter: [R, 32], finite impulse response.
        strike_dry, strike_wet: [R], ≥ 0.
        texture_gain: [R, 32], RMS amplitude per band, ≥ 0.
        blow_gain: [R, 32], RMS amplitude per band, ≥ 0.
        blow_t60_s: [R, 32], seconds in which a band falls 60 dB by itself; 0: it stays.
        blow_dry, blow_wet: [R], ≥ 0.
        bow: [R], strength of the bow, seconds (as `impulse`), ≥ 0.
        am_rate_hz: [R], 0 … 50.
        am_depth_db: [R, 32], ≥ 0.
        click_rate_hz: [R], 0 … 50 per second.
        click_gain: [R], ≥ 0.
        click_spread_db: [R], ≥ 0.
        hum_hz: [R, 8], 0 where there is none.
        hum_gain: [R, 8], ≥ 0.
        mode_map: [32, M], dB of a mode per unit of the vector.
        names: [R] labels for people.
        field: the neural field, if one was learned.
        macros: names of the vector's first coordinates.
        before: its fingerprint in a file of an older format, by which its scores know it.
    """

    freq_hz: FloatArray
    t60_s: FloatArray
    mode_gain: FloatArray
    impulse: FloatArray
    attack: FloatArray
    attack_rate: int
    strike_s: FloatArray
    strike_envelope: FloatArray
    strike_filter: FloatArray
    strike_dry: FloatArray
    strike_wet: FloatArray
    texture_gain: FloatArray
    blow_gain: FloatArray
    blow_t60_s: FloatArray
    blow_dry: FloatArray
    blow_wet: FloatArray
    bow: FloatArray
    am_rate_hz: FloatArray
    am_depth_db: FloatArray
    click_rate_hz: FloatArray
    click_gain: FloatArray
    click_spread_db: FloatArray
    hum_hz: FloatArray
    hum_gain: FloatArray
    mode_map: FloatArray
    names: list[str] = dataclasses.field(default_factory=list)
    field: FieldWeights | None = None
    macros: list[str] = dataclasses.field(default_factory=list)
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)
    extra_arrays: dict[str, NDArray[Any]] = dataclasses.field(default_factory=dict)
    before: str = ""

    @classmethod
    def blank(
        cls, resonances: int, modes: int, attack_length: int = 0, attack_rate: int = 48_000
    ) -> "Instrument":
        """A silent instrument of the given size."""
        arrays: dict[str, Any] = {
            name: np.zeros(shape, np.float32)
            for name, shape in _shapes(resonances, modes, attack_length).items()
        }
        instrument = cls(**arrays, attack_rate=attack_rate, names=[""] * resonances)
        instrument.mode_map[:] = np.eye(VECTOR_DIM, modes)
        return instrument

    @property
    def resonances(self) -> int:
        """Number of resonances R."""
        return int(self.freq_hz.shape[0])

    @property
    def modes(self) -> int:
        """Largest number of modes M of a resonance."""
        return int(self.freq_hz.shape[1])

    @property
    def blown(self) -> NDArray[np.bool_]:
        """[R] whether each has blown noise that is heard or drives its modes."""
        heard = self.blow_dry + self.blow_wet > 0
        found: NDArray[np.bool_] = heard & self.blow_gain.any(axis=1)
        return found

    @property
    def sustained(self) -> NDArray[np.bool_]:
        """[R] whether each is bowed, or blown without dying away: it sounds while it is held."""
        stays = ((self.blow_gain > 0) & (self.blow_t60_s == 0)).any(axis=1)
        found: NDArray[np.bool_] = (self.blown & stays) | (self.bow > 0)
        return found

    @property
    def attack_frames(self) -> NDArray[np.int64]:
        """[R] samples of each attack, up to the last that is not 0."""
        heard = self.attack != 0
        last = self.attack.shape[1] - np.argmax(heard[:, ::-1], axis=1) if heard.size else 0
        found: NDArray[np.int64] = np.where(heard.any(axis=1), last, 0)
        return found

    @property
    def excited_s(self) -> NDArray[np.float64]:
        """[R] seconds after the onset by which attack and strike are over, 0.25 or more."""
        found: NDArray[np.float64] = np.maximum(self.attack_frames / self.attack_rate, EXCITED_S)
        return found

    def tail_s(self) -> NDArray[np.float64]:
        """[R] seconds after the onset until the slowest mode or band of each is 80 dB down.

        Infinite for those that are sustained.
        """
        attack_s, damp = self.attack.shape[1] / self.attack_rate, np.ones(self.resonances)
        if self.field is not None:
            attack_s, damp = max(attack_s, self.field.attack_s), self.field.longest_damp()
        ring_s = 80.0 / 60.0 * damp * _longest(self.t60_s, self.freq_hz)
        hiss_s = 80.0 / 60.0 * damp * _longest(self.blow_t60_s, self.blow_gain)
        driven_s = np.maximum(self.strike_s, np.where(self.blow_wet > 0, hiss_s, 0.0))
        tail: NDArray[np.float64] = np.maximum(np.maximum(attack_s, hiss_s), driven_s + ring_s)
        return np.where(self.sustained, np.inf, tail)

    def set_modes(
        self,
        resonance: int,
        freq_hz: NDArray[np.floating],
        t60_s: NDArray[np.floating],
        amplitude: NDArray[np.complexfloating],
    ) -> None:
        """Give a resonance the modes `Re Σ amplitude · e^{s t}`, stored passive with its impulse.

        Args:
            resonance: its index.
            freq_hz: [modes], at most M of them, Hz.
            t60_s: [modes], seconds.
            amplitude: [modes], complex amplitude at the onset for gain 1.
        """
        count = len(freq_hz)
        impulse = passive_impulse(freq_hz, t60_s, amplitude)
        for array in (self.freq_hz, self.t60_s, self.mode_gain):
            array[resonance] = 0.0
        self.freq_hz[resonance, :count] = freq_hz
        self.t60_s[resonance, :count] = t60_s
        gain = np.asarray(amplitude) / impulse if impulse else np.zeros(count, complex)
        self.mode_gain[resonance, :count, 0] = gain.real
        self.mode_gain[resonance, :count, 1] = gain.imag
        self.impulse[resonance] = impulse

    def amplitude(self, resonance: int) -> NDArray[np.complex128]:
        """[M] complex amplitude of each mode as struck with gain 1 (0 for absent modes)."""
        gain = self.mode_gain[resonance].astype(float)
        amplitude: NDArray[np.complex128] = (gain[:, 0] + 1j * gain[:, 1]) * float(
            self.impulse[resonance]
        )
        return amplitude

    def fingerprint(self) -> str:
        """SHA-256 over every array: the same sound has the same fingerprint, whatever its names."""
        digest = hashlib.sha256()
        for name, array in sorted(self._arrays().items()):
            if name in ADDED_ARRAYS and np.array_equal(array, _default(name, self)):
                continue  # so that instruments written before it keep their fingerprint
            digest.update(f"{name}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        if self.field is not None:
            for name, array in self.field.arrays().items():
                digest.update(f"{name}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
            digest.update(repr(self.field.attack_s).encode())
        digest.update(str(self.attack_rate).encode())
        return digest.hexdigest()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the instrument atomically (`*.instrument.safetensors`).

        Raises:
            FileFormatError: nobody could load it; the message says which field. Nothing is written.
        """
        try:
            self.validate()
        except ValueError as error:
            raise FileFormatError(f"{path}: not written, it would be damaged ({error})") from None
        metadata = {
            **self.extra,
            "attack_rate": self.attack_rate,
            "names": self.names,
            "macros": self.macros,
        }
        drawn = self.field.arrays() if self.field is not None else {}
        if self.field is not None:
            metadata["attack_s"] = self.field.attack_s
        save_arrays(
            path,
            "instrument",
            INSTRUMENT_VERSION,
            {**self.extra_arrays, **self._arrays(), **drawn},
            metadata,
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Instrument":
        """Read and validate an instrument.

        Raises:
            FileFormatError: damaged or hostile; the message says which field.
            NewerVersionError: written by a later rtsynth.
        """
        arrays, metadata = load_arrays(path, "instrument", INSTRUMENT_VERSION)
        try:
            older = format_version(path)[0] == 1
            before = cls._of(dict(arrays), metadata).fingerprint() if older else ""
            instrument = cls._of(with_fine_bands(arrays) if older else arrays, metadata)
            instrument.before = before
            instrument.validate()
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise FileFormatError(f"{path}: damaged instrument ({error}); make it again") from None
        return instrument

    @classmethod
    def _of(cls, arrays: dict[str, NDArray[Any]], metadata: dict[str, Any]) -> "Instrument":
        """What a file held; `arrays` are used up, and shapes are not checked but for sizes."""
        known = {name: arrays.pop(name, None) for name in ARRAY_FIELDS}
        field = None
        if "attack_s" in metadata:
            field = FieldWeights.from_arrays(arrays, float(metadata["attack_s"]))
        shape = _float32("freq_hz", known["freq_hz"]).shape
        if len(shape) != 2 or shape[0] > MAX_RESONANCES or shape[1] > MAX_MODES:
            raise ValueError(f"freq_hz has shape {shape}")
        older = {name for name in ADDED_ARRAYS if known[name] is None}
        like = cls.blank(*shape) if older else None
        for name in older:
            known[name] = getattr(like, name)
        held: dict[str, Any] = {k: _float32(k, v) for k, v in known.items()}
        return cls(
            **held,
            attack_rate=int(metadata["attack_rate"]),
            names=[str(n) for n in metadata["names"]],
            field=field,
            macros=[str(n)[:MAX_MACRO] for n in metadata.get("macros", [])][:VECTOR_DIM],
            extra={k: v for k, v in metadata.items() if k not in METADATA_FIELDS},
            extra_arrays=arrays,
        )

    def is_that_of(self, fingerprint: str) -> bool:
        """Whether a score or a log with this fingerprint was made with it."""
        return fingerprint in (self.fingerprint(), self.before)

    def validate(self) -> None:
        """Check every shape and range.

        Raises:
            ValueError: the first thing wrong, by name.
        """
        count, modes = self.freq_hz.shape if self.freq_hz.ndim == 2 else (-1, -1)
        if not (1 <= count <= MAX_RESONANCES and 0 <= modes <= MAX_MODES):
            raise ValueError(f"freq_hz has shape {self.freq_hz.shape}")
        if not 1_000 <= self.attack_rate <= 768_000:
            raise ValueError(f"attack_rate = {self.attack_rate}; legal: 1000 … 768000 Hz")
        limit = int(LONGEST_ATTACK_S * self.attack_rate) + 1
        attack_length = self.attack.shape[1] if self.attack.ndim == 2 else limit + 1
        if attack_length > limit:
            raise ValueError(f"attack has shape {self.attack.shape}; legal: at most 0.5 s")
        for name, shape in _shapes(count, modes, attack_length).items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected {shape}")
        self._check_values(count)
        if self.field is not None:
            self.field.validate(count)

    def _check_values(self, count: int) -> None:
        for name, array in self._arrays().items():
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds NaN or infinity")
            if np.abs(array).max(initial=0.0) > 1e9:
                raise ValueError(f"{name} holds a number beyond 1e9")
        for name in NOT_NEGATIVE:
            if (getattr(self, name) < 0).any():
                raise ValueError(f"{name} holds a negative number")
        sounding = self.freq_hz != 0
        freq, t60 = self.freq_hz[sounding], self.t60_s[sounding]
        if ((freq < 20.0) | (freq > 384_000.0)).any():
            raise ValueError("freq_hz holds a frequency outside 20 … 384000 Hz")
        if ((t60 < 0.001) | (t60 > 100.0)).any():
            raise ValueError("t60_s holds a time outside 0.001 … 100 s")
        if ((self.strike_s < 0) | (self.strike_s > MAX_STRIKE_S + 1e-6)).any():
            raise ValueError("strike_s holds a time outside 0 … 0.2 s")
        if (self.am_rate_hz > MAX_RATE_HZ).any() or (self.click_rate_hz > MAX_RATE_HZ).any():
            raise ValueError("am_rate_hz or click_rate_hz is beyond 50 Hz")
        if len(self.names) != count:
            raise ValueError(f"{len(self.names)} names for {count} resonances")

    def _arrays(self) -> dict[str, FloatArray]:
        return {name: getattr(self, name) for name in ARRAY_FIELDS}


ARRAY_FIELDS = tuple(
    f.name for f in dataclasses.fields(Instrument) if f.type in (FloatArray, "FloatArray")
)


def _float32(name: str, array: NDArray[Any] | None) -> FloatArray:
    if array is None:
        raise KeyError(f"{name} is missing")
    if array.dtype != np.float32:
        raise TypeError(f"{name} is {array.dtype}, expected float32")
    return array


def _shapes(count: int, modes: int, attack_length: int) -> dict[str, tuple[int, ...]]:
    return {
        "freq_hz": (count, modes),
        "t60_s": (count, modes),
        "mode_gain": (count, modes, 2),
        "impulse": (count,),
        "attack": (count, attack_length),
        "strike_s": (count,),
        "strike_envelope": (count, ENVELOPE_POINTS),
        "strike_filter": (count, FILTER_TAPS),
        "strike_dry": (count,),
        "strike_wet": (count,),
        "texture_gain": (count, NOISE_BANDS),
        "blow_gain": (count, NOISE_BANDS),
        "blow_t60_s": (count, NOISE_BANDS),
        "blow_dry": (count,),
        "blow_wet": (count,),
        "bow": (count,),
        "am_rate_hz": (count,),
        "am_depth_db": (count, NOISE_BANDS),
        "click_rate_hz": (count,),
        "click_gain": (count,),
        "click_spread_db": (count,),
        "hum_hz": (count, HUM_PARTIALS),
        "hum_gain": (count, HUM_PARTIALS),
        "mode_map": (VECTOR_DIM, modes),
    }


def _longest(t60_s: FloatArray, present: FloatArray) -> NDArray[np.float64]:
    """[R] the longest of each row's [R, n] times, of those that are there; 0 if none is."""
    longest: NDArray[np.float64] = np.where(present > 0, t60_s, 0.0).max(axis=1, initial=0.0)
    return longest


def _default(name: str, instrument: Instrument) -> FloatArray:
    """What an array added since version 1.0 holds in an older instrument."""
    if name == "mode_map":
        return np.eye(VECTOR_DIM, instrument.modes, dtype=np.float32)
    return np.zeros_like(getattr(instrument, name))
