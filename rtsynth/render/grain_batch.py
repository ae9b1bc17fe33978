"""What a hop of many voices sounds like, in torch, in batches of fixed shapes. Thread: worker.

Every function here works on tensors that never change their shape or place, so that on a CUDA
device it is captured once per batch size and replayed; elsewhere the same functions are called.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rtsynth.dsp import grain
from rtsynth.dsp.bend import FREQ, GAIN_IM, GAIN_RE, OCTAVE, T60
from rtsynth.dsp.grain import COLUMNS, HOP, HOP_TICKS
from rtsynth.dsp.modal import TICK
from rtsynth.engine import PackedBank
from rtsynth.events import VECTOR_DIM
from rtsynth.instrument import MEMBERS, FieldWeights
from rtsynth.nn.field import NeuralField
from rtsynth.nn.ring import ring_ticks
from rtsynth.units import LN1000

__all__ = ["AttackSound", "Batch", "BowSound", "ModeSound", "Tensors"]

DB_TO_NEPER = math.log(10.0) / 20.0
HIGHEST = 0.49  # of the sample rate, beyond which a mode would alias
WARM_UPS = 3

Tensors = dict[str, Tensor]
Shapes = dict[str, tuple[torch.dtype, tuple[int, ...]]]


class ModeSound:
    """The modes of voices and the attacks of their resonances, evaluated in closed form.

    Args:
        bank: of the engine.
        sample_rate: Hz.
        channels: 1 or 2.
        device: of the tensors.
    """

    def __init__(
        self, bank: PackedBank, sample_rate: float, channels: int, device: torch.device
    ) -> None:
        rows = torch.from_numpy(bank.bank).to(device)
        used = torch.arange(rows.shape[2]) < torch.from_numpy(bank.modes)[:, None]
        used = used.to(device)
        t60 = torch.where(used, rows[:, T60], 1.0).double()
        self._omega = 2.0 * math.pi / sample_rate * rows[:, FREQ].double() * used
        self._decay = used * LN1000 / (t60 * sample_rate)
        self._gain_in = torch.complex(rows[:, GAIN_RE], rows[:, GAIN_IM]) * used / sample_rate
        self._octave = rows[:, OCTAVE] * used
        self._mode_map = torch.from_numpy(bank.mode_map).to(device)
        attack = torch.from_numpy(bank.attack).to(device)
        self._attack = torch.nn.functional.pad(attack, (1, 2))  # silent at both ends
        self._frame = torch.arange(TICK, dtype=torch.float64, device=device)
        self.shapes: Shapes = {
            "resonance": (torch.int64, ()),
            "rows": (torch.float64, (HOP_TICKS, COLUMNS)),
            "vectors": (torch.float32, (HOP_TICKS + 1, VECTOR_DIM)),
            "bases": (torch.float64, (2, rows.shape[2])),
            "tuning": (torch.float64, (rows.shape[2],)),
            "gains": (torch.float32, (channels, HOP)),
        }

    def __call__(self, x: Tensors) -> Tensor:
        """[channels, HOP] all voices together.

        Args:
            x: [B, …] tensors as `shapes` says, and `ticks`, [HOP_TICKS + 1, 1 + K].
        """
        sound = self._ring(x) * self._let_go(x["rows"])
        sound = sound + lines(x["ticks"], self._frame)[0] * self._struck(x)
        return mixed(sound, x["gains"])

    def _ring(self, x: Tensors) -> Tensor:
        """[B, HOP_TICKS, TICK] the modes as if never let go."""
        bent, decay = self.bend(x), self._decay[x["resonance"]][:, None]
        size = torch.exp(-decay * x["rows"][..., grain.AGED, None])
        base = torch.complex(x["bases"][:, 0], x["bases"][:, 1])
        return bent.ring(base[:, None] * size * bent.turned, bent.fall)

    def bend(self, x: Tensors) -> "Bent":
        """How the modes are bent in every tick."""
        rows, resonance = x["rows"], x["resonance"]
        omega = (self._omega[resonance] * x["tuning"])[:, None]
        turned = torch.remainder(omega * rows[..., grain.TURNED, None], 2.0 * math.pi)
        ratio = rows[..., grain.RATIO, None]
        angle = omega * ratio
        before = omega * torch.cat([ratio[:, :1], ratio[:, :-1]], 1)
        return Bent(
            torch.polar(torch.ones_like(turned), turned),
            angle,
            self._decay[resonance][:, None] * rows[..., grain.FALL, None],
            self._gain(x, grain.BRIGHT_BEFORE, 0, before),
            self._gain(x, grain.BRIGHT, 1, angle),
        )

    def gain_in(self, resonance: Tensor) -> Tensor:
        """[B, M] complex gains of the modes' drive."""
        return self._gain_in[resonance]

    def _gain(self, x: Tensors, column: int, first: int, angle: Tensor) -> Tensor:
        """[B, HOP_TICKS, M] output gains of the modes at one end of every tick."""
        resonance = x["resonance"]
        db = x["vectors"][:, first : first + HOP_TICKS] @ self._mode_map[resonance]
        bright = x["rows"][..., column, None].float()
        neper = (bright * self._octave[resonance][:, None] + db) * DB_TO_NEPER
        heard = angle < 2.0 * math.pi * HIGHEST
        return torch.exp(neper.clamp(-40.0, 40.0)) * heard

    def _let_go(self, rows: Tensor) -> Tensor:
        """[B, HOP_TICKS, TICK] what the release leaves."""
        late = (self._frame + 1.0 - rows[..., grain.LET_FROM, None]).clamp_min(0.0)
        lost = rows[..., grain.LOST, None] + rows[..., grain.LET, None] * late
        return torch.exp(-lost).float()

    def _struck(self, x: Tensors) -> Tensor:
        """[B, HOP_TICKS, TICK] the attacks of the resonances, read linearly."""
        at = positions(x["rows"], self._frame) + 1.0  # of the padded table
        table = self._attack[x["resonance"]]
        at = at.clamp(0.0, table.shape[1] - 2.0).flatten(1)
        low = at.floor().long()
        share = (at - low).float()
        here, there = table.gather(1, low), table.gather(1, low + 1)
        return (here + share * (there - here)).reshape(-1, HOP_TICKS, TICK)


@dataclasses.dataclass
class Bent:
    """The modes in every tick, each [B, HOP_TICKS, M].

    Attributes:
        turned: e^(j·phase) one frame before the tick, complex128.
        angle: radians per frame.
        fall: nepers per frame.
        g0, g1: output gain before the tick and at its end.
    """

    turned: Tensor
    angle: Tensor
    fall: Tensor
    g0: Tensor
    g1: Tensor

    def ring(self, z: Tensor, fall: Tensor) -> Tensor:
        """[B, HOP_TICKS, TICK] of states z before every tick, falling so many nepers a frame."""
        pole = torch.polar(torch.exp(-fall), self.angle)
        return ring_ticks(z.to(torch.complex64), pole.to(torch.complex64), self.g0, self.g1)


class BowSound:
    """What a bow has made of the modes: the share that turns steadily, and what approaches it.

    Args:
        modes: of the same bank.
    """

    def __init__(self, modes: ModeSound) -> None:
        self._modes = modes
        wide = modes.shapes["tuning"][1]
        self.shapes: Shapes = {**modes.shapes, "bows": (torch.float64, (3, *wide))}

    def __call__(self, x: Tensors) -> Tensor:
        """[channels, HOP] all bows together; x as `ModeSound` takes it."""
        bent, bows = self._modes.bend(x), x["bows"]
        phasor = torch.complex(bows[:, 0], bows[:, 1]) * self._modes.gain_in(x["resonance"])
        share = phasor[:, None] * bent.turned
        height = x["rows"][..., grain.HEIGHT, None]
        steady = bent.ring(share * height, torch.zeros_like(bent.fall))
        rest = self._built(bent.fall, height, bows[:, 2]) - height
        return mixed(steady + bent.ring(share * rest, bent.fall), x["gains"])

    @staticmethod
    def _built(fall: Tensor, height: Tensor, built: Tensor) -> Tensor:
        """[B, HOP_TICKS, M] the amplitude a bow has built up before every tick."""
        kept = torch.exp(-TICK * fall)
        found = []
        for tick in range(HOP_TICKS):
            found.append(built)
            built = height[:, tick] + (built - height[:, tick]) * kept[:, tick]
        return torch.stack(found, 1)


class AttackSound:
    """The attacks that the field draws, evaluated at every frame.

    Exact at any transposition, where the curves' renderer reads a table; a field with frequencies
    that the transposition takes beyond half the sample rate aliases.

    Args:
        field: weights of the instrument.
        sample_rate: Hz.
        channels: 1 or 2.
        device: of the tensors.
    """

    def __init__(
        self, field: FieldWeights, sample_rate: float, channels: int, device: torch.device
    ) -> None:
        self._field = NeuralField.from_weights(field).to(device).requires_grad_(False)
        self._period = 1.0 / sample_rate
        self._frame = torch.arange(TICK, dtype=torch.float64, device=device)
        self.shapes: Shapes = {
            "resonance": (torch.int64, ()),
            "rows": (torch.float64, (HOP_TICKS, COLUMNS)),
            "vectors": (torch.float32, (HOP_TICKS + 1, VECTOR_DIM)),
            "duration_s": (torch.float64, ()),
            "gains": (torch.float32, (channels, HOP)),
        }

    def __call__(self, x: Tensors) -> Tensor:
        """[channels, HOP] all attacks together; x as `ModeSound` takes it."""
        at = positions(x["rows"], self._frame)
        drawn = self._field.draw_attack(
            x["resonance"].repeat_interleave(HOP_TICKS),
            x["vectors"][:, 1:].flatten(0, 1),
            (at.clamp_min(0.0) * self._period).flatten(0, 1),
            x["duration_s"].repeat_interleave(HOP_TICKS),
        )
        drawn = drawn.reshape(len(MEMBERS), *at.shape)
        levels = lines(x["ticks"], self._frame)
        sound = torch.einsum("kbtn,ktn->btn", drawn, levels[:1] * levels[1:])
        return mixed(torch.where(at >= 0.0, sound, 0.0), x["gains"])


def positions(rows: Tensor, frame: Tensor) -> Tensor:
    """[B, HOP_TICKS, TICK] samples of the attack at every frame, float64."""
    return rows[..., grain.POSITION, None] + rows[..., grain.SPEED, None] * frame


def lines(ticks: Tensor, frame: Tensor) -> Tensor:
    """[n, HOP_TICKS, TICK] straight lines between [HOP_TICKS + 1, n] values at the ticks' ends."""
    before, after = ticks[:-1].T.unsqueeze(-1), ticks[1:].T.unsqueeze(-1)
    return (before + (after - before) * (frame + 1.0) / TICK).float()


def mixed(sound: Tensor, gains: Tensor) -> Tensor:
    """[channels, HOP] of [B, HOP_TICKS, TICK] voices; one that is no number is silent."""
    whole = sound.flatten(1)
    whole = torch.nan_to_num(whole, 0.0, 0.0, 0.0)
    return torch.einsum("bn,bcn->cn", whole, gains)


@dataclasses.dataclass
class _Captured:
    """A form captured on a CUDA device: replaying it reads `inputs` and writes `output`."""

    graph: torch.cuda.CUDAGraph
    output: Tensor


class Batch:
    """A form, its inputs on the host and on the device, and its output, for one size.

    Args:
        form: ModeSound, BowSound or AttackSound.
        shapes: of its inputs, without their first axis.
        size: B.
        device: "cpu" or a CUDA device.
    """

    def __init__(
        self, form: Callable[[Tensors], Tensor], shapes: Shapes, size: int, device: torch.device
    ) -> None:
        cuda = device.type == "cuda"
        every = {name: (dtype, (size, *shape)) for name, (dtype, shape) in shapes.items()}
        every["ticks"] = (torch.float64, (HOP_TICKS + 1, 1 + len(MEMBERS)))
        self._host = {
            name: torch.zeros(shape, dtype=dtype, pin_memory=cuda)
            for name, (dtype, shape) in every.items()
        }
        self.size = size
        self.arrays: dict[str, NDArray[np.generic]] = {
            name: tensor.numpy() for name, tensor in self._host.items()
        }
        self._form, self._device = form, device
        self._inputs = self._host
        self._captured: _Captured | None = None
        if cuda:
            self._inputs = {name: tensor.to(device) for name, tensor in self._host.items()}
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            self._captured = self._capture()
            self._out = torch.zeros_like(self._captured.output, device="cpu").pin_memory()
        else:
            self.run()  # compiles what is compiled when first called

    def run(self) -> NDArray[np.float32]:
        """[channels, HOP] the sound of what `arrays` hold; overwritten by the next call."""
        with torch.inference_mode():
            if self._captured is None:
                return self._form(self._inputs).numpy()
            with torch.cuda.stream(self._stream):
                for name, tensor in self._host.items():
                    self._inputs[name].copy_(tensor, non_blocking=True)
                self._captured.graph.replay()
                self._out.copy_(self._captured.output, non_blocking=True)
            self._stream.synchronize()
        return self._out.numpy()

    def _capture(self) -> _Captured:
        with torch.no_grad():
            self._stream.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(self._stream):
                for _ in range(WARM_UPS):
                    self._form(self._inputs)
            self._stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=self._stream):
                output = self._form(self._inputs)
        return _Captured(graph, output)
