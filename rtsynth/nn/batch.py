"""What a batch of voices is made of: the bank's tensors, the events' constants. Thread: worker."""

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rtsynth.dsp.noise import uniform_at
from rtsynth.errors import ValueRangeError
from rtsynth.instrument import Instrument
from rtsynth.units import LN1000, seconds_to_frames

__all__ = ["BankTensors", "EventBatch", "move_tensors"]


def move_tensors(record: "BankTensors | EventBatch", device: torch.device) -> None:
    """Move every tensor of a record to a device, in place."""
    for spec in dataclasses.fields(record):
        value = getattr(record, spec.name)
        if isinstance(value, Tensor):
            setattr(record, spec.name, value.to(device))


@dataclasses.dataclass
class BankTensors:
    """An instrument's arrays as tensors, any of which may require a gradient.

    Attributes:
        freq_hz: [R, M], 0 where absent.
        t60_s: [R, M].
        gain: [R, M] complex, 1/s.
        impulse: [R] seconds.
        attack: [R, A] at the sample rate.
        mode_map: [32, M].
        bow: [R] seconds.
        blow_gain, blow_t60_s: [R, 32].
        blow_dry, blow_wet, strike_dry, strike_wet: [R].
        source: where the strike's envelopes and filters are read.
    """

    freq_hz: Tensor
    t60_s: Tensor
    gain: Tensor
    impulse: Tensor
    attack: Tensor
    mode_map: Tensor
    bow: Tensor
    blow_gain: Tensor
    blow_t60_s: Tensor
    blow_dry: Tensor
    blow_wet: Tensor
    strike_dry: Tensor
    strike_wet: Tensor
    source: Instrument

    @classmethod
    def of(
        cls,
        instrument: Instrument,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> "BankTensors":
        """The tensors of an instrument, copied."""
        plain = {
            f.name: torch.tensor(getattr(instrument, f.name), dtype=dtype, device=device)
            for f in dataclasses.fields(cls)
            if f.name not in ("gain", "source")
        }
        pair = torch.tensor(instrument.mode_gain, dtype=dtype, device=device)
        return cls(gain=torch.view_as_complex(pair), source=instrument, **plain)

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the sound."""
        return self.freq_hz.dtype


@dataclasses.dataclass
class EventBatch:
    """E modal events.

    Attributes:
        resonance: [E] int64.
        gain: [E].
        vector: [E, 32].
        onset: [E] frames, int64.
        held: [E] float64, frames of the duration, inf allowed.
        seed: [E] uint64.
        bend: [E] semitones; damp, bright, inharm, stretch, release_s, pan: [E].
        detune: [E, M] factor on every frequency.
        vibrato_hz, vibrato_depth: [E], Hz and semitones.
        duration_s: [E].
    """

    resonance: Tensor
    gain: Tensor
    vector: Tensor
    onset: NDArray[np.int64]
    held: Tensor
    seed: NDArray[np.uint64]
    bend: Tensor
    damp: Tensor
    bright: Tensor
    inharm: Tensor
    stretch: Tensor
    release_s: Tensor
    pan: Tensor
    detune: Tensor
    vibrato_hz: Tensor
    vibrato_depth: Tensor
    duration_s: Tensor

    def __len__(self) -> int:
        return len(self.onset)

    @classmethod
    def of(
        cls,
        rows: NDArray[np.void],
        modes: int,
        sample_rate: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> "EventBatch":
        """The batch of a table's rows (`EVENT_DTYPE`), all of them modal.

        Raises:
            ValueRangeError: an event runs backwards; there is nothing to learn from one.
        """
        if (rows["stretch"] < 0.0).any():
            raise ValueRangeError(
                "an event with stretch below 0 cannot be fitted; legal: 0 … 4", field="stretch"
            )

        def take(name: str) -> Tensor:
            return torch.tensor(rows[name].astype(float), dtype=dtype, device=device)

        duration = rows["duration_s"].astype(float)
        held = np.ceil(duration * sample_rate)  # as the engine splits a tick
        return cls(
            resonance=torch.tensor(rows["resonance"].astype(np.int64), device=device),
            gain=take("gain"), vector=take("vector"),
            onset=np.array([seconds_to_frames(s, sample_rate) for s in rows["onset_s"]], np.int64),
            held=torch.tensor(held, dtype=torch.float64, device=device),
            seed=rows["seed"].astype(np.uint64), bend=take("transpose"), damp=take("damp"),
            bright=take("bright"), inharm=take("inharm"), stretch=take("stretch"),
            release_s=take("release_s"), pan=take("pan"),
            detune=torch.tensor(_detune(rows, modes), dtype=dtype, device=device),
            vibrato_hz=take("vibrato_rate_hz"), vibrato_depth=take("vibrato_depth"),
            duration_s=torch.tensor(duration, dtype=torch.float64, device=device),
        )  # fmt: skip

    def take(self, index: NDArray[np.intp]) -> "EventBatch":
        """The events at `index`."""
        at = torch.as_tensor(index, device=self.gain.device)
        taken = {
            f.name: getattr(self, f.name)[
                index if isinstance(getattr(self, f.name), np.ndarray) else at
            ]
            for f in dataclasses.fields(self)
        }
        return EventBatch(**taken)

    def release_rate(self, sample_rate: int) -> Tensor:
        """[E] extra decay once the duration is over, nepers per frame."""
        return LN1000 / (self.release_s * sample_rate)


def _detune(rows: NDArray[np.void], modes: int) -> NDArray[np.float64]:
    factor = np.ones((len(rows), modes))
    for row, found in zip(factor, rows, strict=True):
        if found["detune"] > 0.0:
            spread = [2.0 * uniform_at(np.uint64(found["seed"]), m) - 1.0 for m in range(modes)]
            row[:] = 2.0 ** (float(found["detune"]) / 1200.0 * np.array(spread))
    return factor
