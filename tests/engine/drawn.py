"""An instrument whose field draws known curves: random weights, small enough to be tame."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.events import Event, EventTable
from rtsynth.instrument import NOISE_BANDS, FieldWeights, Instrument
from rtsynth.instrument.field import TONE
from rtsynth.render import Drawer, advance, run_engine
from tests.engine.bank import RATE

STRUCK, BOWED, BLOWN = range(3)
VECTOR = tuple(np.linspace(-3.0, 3.0, 32))


def drawn_instrument(seed: int = 3, size: float = 0.3, *, toned: bool = False) -> Instrument:
    """A struck bell, a bowed string and a blown pipe under one field."""
    instrument = Instrument.blank(3, 6, attack_length=64, attack_rate=RATE)
    freq = np.array([220.0, 441.0, 663.0, 890.0])
    t60 = np.array([0.8, 0.6, 0.5, 0.4])
    amplitude = np.array([0.2, 0.1j, -0.05, 0.03])
    for resonance in range(3):
        instrument.set_modes(resonance, freq * (resonance + 1), t60, amplitude)
    instrument.bow[BOWED] = instrument.impulse[BOWED]
    instrument.impulse[BOWED:] = 0.0
    instrument.blow_gain[BLOWN, 6:24] = 0.014
    instrument.blow_dry[BLOWN], instrument.blow_wet[BLOWN] = 0.5, 1.0
    instrument.field = random_field(3, seed, size, toned=toned)
    return instrument


def random_field(resonances: int, seed: int, size: float, *, toned: bool = False) -> FieldWeights:
    """A field of 16 frequencies and 24 hidden units that draws about ±size, tones 3 times that."""
    rng = np.random.default_rng(seed)
    field = FieldWeights.zeros(resonances, 16, 24, attack_s=0.03, toned=toned)
    for net, highest in ((field.controls, 20.0), (field.attack, 4_000.0)):
        frequencies = 2 * np.pi * np.geomspace(0.25, highest, net.omega.size)
        net.omega[:] = frequencies.reshape(net.omega.shape)
        net.alpha[:] = 2.0
        for name, array in net.arrays().items():
            if name in ("omega", "alpha"):
                continue
            fan = array.shape[-2] if name.startswith("w") else 4.0
            size_of = 1.0 / np.sqrt(fan)
            if net is field.controls and name in ("w2", "b2"):
                fewer = (*array.shape[:-1], array.shape[-1] - NOISE_BANDS // 2)
                array[:] = _paired(rng.normal(0.0, size_of, fewer))
            else:
                array[:] = rng.normal(0.0, size_of, array.shape)
        net.w2 *= size
        net.b2 *= size
    field.controls.w2[..., TONE:] *= 3.0
    return field


def _paired(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """[..., C] of [..., C − 16]: the curves of coarse bands for fine ones, the upper of two half.

    So the other curves are those which the limits on clicks were measured with.
    """
    coarse = NOISE_BANDS // 2
    noise = np.repeat(drawn[..., :coarse], 2, axis=-1)
    noise[..., 1::2] *= 0.5
    return np.concatenate([noise, drawn[..., coarse:]], axis=-1)


def drawn_engine(
    table: EventTable, instrument: Instrument | None = None, **config: object
) -> tuple[Engine, Drawer]:
    """An engine whose events are all drawn, and who drew them."""
    instrument = drawn_instrument() if instrument is None else instrument
    settings = {"sample_rate": RATE, "slots": 64, "voices": 32, "caches": 16, **config}
    engine = Engine(EngineConfig(**settings), instrument, table)  # type: ignore[arg-type]
    drawer = Drawer(engine, instrument)
    drawer.finish()
    return engine, drawer


def one(**fields: object) -> EventTable:
    """A table of one event."""
    return EventTable([Event(1, **fields)])  # type: ignore[arg-type]


def note(resonance: int, **fields: object) -> EventTable:
    settings = {"duration_s": 0.7, "release_s": 0.2, "vector": VECTOR, "seed": 5, "gain": 0.5}
    return one(resonance=resonance, **{**settings, **fields})


def heard(
    table: EventTable, seconds: float, block: int = 512, instrument: Instrument | None = None
) -> NDArray[np.float32]:
    engine, drawer = drawn_engine(table, instrument, channels=1)
    engine.post(Op.PLAY, 0, 0)
    return run_engine(engine, round(seconds * RATE), block, drawer)[:, 0]


def stream(engine: Engine, drawer: Drawer, frames: int) -> NDArray[np.float32]:
    """The next frames as the device gets them, first channel."""
    out = np.zeros((frames, engine.channels), np.float32)
    for at in range(0, frames, 480):
        advance(engine, out[at : at + 480], drawer)
        engine.notices()
    return out[:, 0]
