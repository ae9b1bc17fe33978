"""The grain renderer's worker: hops of the engine's time in, windowed grains out.

It renders what rings (modes in closed form, bowed or free, attacks of resonances and of the field)
for all voices in one batch; see `rtsynth.engine.hand` for what it leaves to the engine. The field's
controls are drawn at their own rate of 250 points per second by the `Drawer`, as for curves: they
hold nothing faster, and the audio thread, which integrates them, can so go on with any voice, in
phase, when a grain is late. Imports torch. Thread: worker.
"""

import logging
import threading
import time

import numpy as np
import torch
from numpy.typing import NDArray

from rtsynth.dsp.bend import FREQ
from rtsynth.dsp.grain import HOP, grain_halves
from rtsynth.dsp.noise import uniform_at
from rtsynth.engine import Engine, Hop
from rtsynth.instrument import Instrument
from rtsynth.render.grain_batch import AttackSound, Batch, BowSound, ModeSound

__all__ = ["BATCH_SIZES", "GrainWorker"]

BATCH_SIZES = (8, 16, 32, 64, 128, 256, 512)
IDLE_S = 0.0005
JOIN_S = 1.0
MAX_TUNINGS = 4_096
TIMES = 4_096

Tuning = tuple[int, float, float, int]
log = logging.getLogger(__name__)


class GrainWorker:
    """Renders for one engine, in its own thread or whenever `pump` is called.

    All batch sizes are made ready on construction, which takes seconds.

    Args:
        engine: built with `ahead` hops.
        instrument: that of the engine.
        device: "cpu" or a CUDA device; None for CUDA where there is one.

    Attributes:
        device: where it renders.
        rendered: hops so far.
        times_ns: [4096] how long the last hops took, in no particular order.
    """

    def __init__(self, engine: Engine, instrument: Instrument, device: str | None = None) -> None:
        if engine.hops.ahead == 0:
            raise ValueError("the engine looks no hops ahead: EngineConfig(ahead=3)")
        self._hops, self._rate = engine.hops, float(engine.sample_rate)
        self._bank = self._hops.bank()
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        channels, most = self._hops.channels, self._hops.pool
        sizes = [size for size in BATCH_SIZES if size < 2 * most] or [BATCH_SIZES[0]]
        modes = ModeSound(self._bank, self._rate, channels, self.device)
        self._modes = [Batch(modes, modes.shapes, size, self.device) for size in sizes]
        self._bows: list[Batch] = []
        if (instrument.bow > 0.0).any():
            bows = BowSound(modes)
            self._bows = [Batch(bows, bows.shapes, size, self.device) for size in sizes]
        self._attacks: list[Batch] = []
        if instrument.field is not None:
            attacks = AttackSound(instrument.field, self._rate, channels, self.device)
            self._attacks = [Batch(attacks, attacks.shapes, size, self.device) for size in sizes]
        self._halves = grain_halves()
        self._grain = np.zeros((channels, 2 * HOP), np.float32)
        self._before = np.zeros((channels, HOP), np.float32)
        self._number = -1
        self._tunings: dict[Tuning, NDArray[np.float64]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.rendered = 0
        self.times_ns = np.zeros(TIMES, np.int64)

    def start(self) -> None:
        """Render from now on, in a thread of its own. Thread: main.

        On the processor torch then keeps to one core, in the whole program.
        """
        if self.device.type == "cpu":
            log.warning("grains on the processor: it is in time for few attacks of a field")
            torch.set_num_threads(1)
        self._thread = threading.Thread(target=self._run, name="grains", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Render no more. Thread: main."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)

    def finish(self) -> None:
        """Render every hop there is. Thread: the engine's, offline."""
        while self.pump():
            pass

    def pump(self) -> bool:
        """Render the oldest hop; False if there is none."""
        hop = self._hops.next()
        if hop is None:
            return False
        number = hop.number
        if self._hops.is_late(number):  # nobody waits for it any more
            self._hops.done()
            return True
        began = time.perf_counter_ns()
        sound = self.render(hop)
        self._hops.done()
        if number == self._number + 1:
            np.multiply(self._before, self._halves[:HOP], out=self._grain[:, :HOP])
            np.multiply(sound, self._halves[HOP:], out=self._grain[:, HOP:])
            self._hops.put(number - 1, self._grain)
        self._before[:] = sound
        self._number = number
        self.times_ns[self.rendered % TIMES] = time.perf_counter_ns() - began
        self.rendered += 1
        return True

    def render(self, hop: Hop) -> NDArray[np.float32]:
        """[channels, HOP] the sound of one hop, without a window."""
        everyone = np.arange(len(hop.voices))
        sound = self._render_with(self._modes, hop, everyone)
        sound += self._render_with(self._bows, hop, np.flatnonzero(hop.voices["bowed"]))
        attacking = np.flatnonzero(hop.voices["attacking"])
        if self._attacks:
            sound += self._render_with(self._attacks, hop, attacking)
        return sound

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if not self.pump():
                    self._stop.wait(IDLE_S)
        except Exception:  # the engine goes on without
            log.exception("the grain renderer has ended; the engine renders from curves")

    def _render_with(
        self, batches: list[Batch], hop: Hop, voices: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        sound = np.zeros_like(self._before)
        at = 0
        while at < len(voices):
            left = len(voices) - at
            batch = next((b for b in batches if b.size >= left), batches[-1])
            self._fill(batch, hop, voices[at : at + batch.size])
            sound += batch.run()
            at += batch.size
        return sound

    def _fill(self, batch: Batch, hop: Hop, voices: NDArray[np.intp]) -> None:
        """Copy voices into a batch; places that stay empty are silent."""
        count, inputs = len(voices), batch.arrays
        entries = hop.voices[voices]
        inputs["gains"][count:] = 0.0
        inputs["resonance"][:count] = entries["resonance"]
        for name in ("gains", "rows", "vectors", "bases", "bows"):
            if name in inputs:
                getattr(hop, name).take(voices, 0, inputs[name][:count], mode="clip")
        inputs["ticks"][:] = hop.ticks
        if "tuning" in inputs:
            inputs["tuning"][:count] = 1.0
            for i in np.flatnonzero((entries["inharm"] != 0.0) | (entries["detune"] != 0.0)):
                entry = entries[i]
                inputs["tuning"][i] = self._tuned(
                    (int(entry["resonance"]), float(entry["inharm"]), float(entry["detune"]),
                     int(entry["seed"]))
                )  # fmt: skip
        else:
            inputs["duration_s"][:count] = entries["duration"] / self._rate

    def _tuned(self, key: Tuning) -> NDArray[np.float64]:
        """[M] factors on a resonance's frequencies, as `rtsynth.dsp.bend` has them."""
        found = self._tunings.get(key)
        if found is None:
            if len(self._tunings) >= MAX_TUNINGS:
                self._tunings.clear()
            found = self._tunings[key] = self._tune(*key)
        return found

    def _tune(self, resonance: int, inharm: float, detune: float, seed: int) -> NDArray[np.float64]:
        count = int(self._bank.modes[resonance])
        factor = np.ones(self._bank.bank.shape[2])
        freq = self._bank.bank[resonance, FREQ, :count].astype(float)
        if count and inharm != 0.0:
            squared = (freq / freq.min()) ** 2
            factor[:count] = np.sqrt((1.0 + inharm * squared) / (1.0 + inharm))
        if detune != 0.0:
            spread = [2.0 * uniform_at(np.uint64(seed), m) - 1.0 for m in range(count)]
            factor[:count] *= np.exp2(detune / 1200.0 * np.array(spread))
        return factor
