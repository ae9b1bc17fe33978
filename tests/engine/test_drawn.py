"""Voices play what the field drew: as the formula says, live, and without a click."""

import math

import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray

from rtsynth.decompose.synthesis import event_signal
from rtsynth.dsp.texture import DB_PER_OCTAVE
from rtsynth.engine import Engine, EngineConfig, NoticeKind, Op
from rtsynth.events import Event, EventTable
from rtsynth.instrument import MEMBERS, Instrument
from rtsynth.instrument.field import TONE, TONE_BANDS, TONE_LOW_HZ, tone_place
from rtsynth.params import EVENT_PARAMS, event_param_named, param_named
from rtsynth.render import Drawer, at_rate, run_engine
from tests.contract import verify_contract
from tests.engine.bank import RATE
from tests.engine.drawn import (
    BLOWN,
    BOWED,
    STRUCK,
    VECTOR,
    drawn_engine,
    drawn_instrument,
    heard,
    note,
    stream,
)

KINDS = [STRUCK, BOWED, BLOWN]
VECTOR0 = event_param_named("vector0")[0]
STRETCH = event_param_named("stretch")[0]
DURATION = event_param_named("duration_s")[0]


def reference(event: Event, instrument: Instrument, seconds: float) -> NDArray[np.float64]:
    """The formula in float64, behind the engine's DC blocker."""
    frames = round(seconds * RATE)
    sound = np.zeros(frames)
    formula = event_signal(event, instrument, RATE, frames)
    sound[: len(formula)] = formula
    radius = math.exp(-2.0 * math.pi * 10.0 / RATE)
    filtered: NDArray[np.float64] = scipy.signal.lfilter([1.0, -1.0], [1.0, -radius], sound)
    return filtered


def gap_db(found: NDArray[np.floating], expected: NDArray[np.floating]) -> float:
    """Peak of the difference re peak of the sound, dB."""
    gap = np.abs(found - expected).max() / np.abs(expected).max()
    return float(20 * np.log10(max(gap, 1e-12)))


@pytest.mark.parametrize("toned", [False, True])
@pytest.mark.parametrize("resonance", KINDS)
def test_a_drawn_voice_is_the_formula_within_1e_5(resonance: int, toned: bool) -> None:
    table, instrument = note(resonance, transpose=3.0), drawn_instrument(toned=toned)
    expected = reference(next(iter(table)), instrument, 1.0)
    assert np.abs(expected).max() > 0.05
    off = np.abs(heard(table, 1.0, instrument=instrument) - expected).max()
    assert off < 1e-5 * max(np.abs(expected).max(), 1.0)


def test_formants_stay_where_they_are_when_a_bowed_note_is_transposed() -> None:
    """A partial's level follows its frequency: 30 dB up at 800 Hz, none from an octave away on."""
    instrument = drawn_instrument(size=0.0, toned=True)
    assert instrument.field is not None
    places = tone_place(np.log2(800.0 / TONE_LOW_HZ) + np.array([-1.0, 0.0, 1.0]))
    drawn = np.interp(np.arange(TONE_BANDS), places, [0.0, 30.0 / DB_PER_OCTAVE, 0.0], 0.0, 0.0)
    instrument.field.controls.b2[:, TONE:] = drawn / len(MEMBERS)
    freq_hz = 220.0 * np.arange(1.0, 7.0)
    instrument.set_modes(BOWED, freq_hz, np.full(6, 0.05), np.full(6, 0.02 + 0j))
    instrument.bow[BOWED], instrument.impulse[BOWED] = instrument.impulse[BOWED], 0.0
    for transpose in (0.0, 7.0):
        table = note(BOWED, transpose=transpose, duration_s=1.0, vector=(0.0,) * 32, gain=0.1)
        sound = heard(table, 0.9, instrument=instrument)[-RATE // 2 :]
        sounding = freq_hz * 2.0 ** (transpose / 12.0)
        time = np.arange(len(sound)) / RATE
        window = np.hanning(len(sound))
        turned = np.exp(-2j * np.pi * sounding[:, None] * time) @ (sound * window)
        level_db = 20.0 * np.log10(2.0 * np.abs(turned) / window.sum() / (0.1 * 0.02))
        place = tone_place(np.log2(sounding / TONE_LOW_HZ))
        expected_db = DB_PER_OCTAVE * np.interp(place, np.arange(TONE_BANDS), drawn)
        assert level_db == pytest.approx(expected_db, abs=0.1)
        assert expected_db.max() > 15.0 > 1.0 > expected_db.min()


@pytest.mark.parametrize("resonance", [STRUCK, BOWED])
def test_two_sample_rates_agree_after_band_limiting(resonance: int) -> None:
    """≤ −50 dB below 8 kHz: ticks are longer at the lower rate, and curves are read at each."""
    engine, drawer = drawn_engine(note(resonance), channels=1)
    slow, slow_drawer = drawn_engine(
        note(resonance), at_rate(drawn_instrument(), 24_000), channels=1, sample_rate=24_000
    )
    sounds = []
    for each, its, rate in ((engine, drawer, 48_000), (slow, slow_drawer, 24_000)):
        each.post(Op.PLAY, 0, 0)
        sound = run_engine(each, rate, 512, its)[:, 0]
        sounds.append(scipy.signal.sosfiltfilt(low_pass(8_000.0, rate), sound))
    decimated = sounds[0][::2]
    assert gap_db(sounds[1][480:-480], decimated[480:-480]) < -50.0


def low_pass(cutoff_hz: float, rate: float) -> NDArray[np.float64]:
    sos: NDArray[np.float64] = scipy.signal.butter(8, cutoff_hz, fs=rate, output="sos")
    return sos


@pytest.mark.parametrize("resonance", [STRUCK, BOWED])
@pytest.mark.parametrize("later", [1, 13, 32, 4_801])
def test_an_onset_moved_moves_the_sound(resonance: int, later: int) -> None:
    """By any number of frames; off the grid of ticks the controls are read a little elsewhere."""
    first = heard(note(resonance, onset_s=0.01), 0.8)
    moved = heard(note(resonance, onset_s=0.01 + later / RATE), 0.9)[later:]
    limit = -110.0 if later % 32 == 0 else -45.0
    assert gap_db(moved[:38_000], first[:38_000]) < limit


@pytest.mark.parametrize("resonance", KINDS)
def test_the_field_off_is_the_bank_alone(resonance: int) -> None:
    engine, drawer = drawn_engine(note(resonance), channels=1)
    plain = drawn_instrument()
    plain.field = None
    for member in ("body", "mid", "bright", "attack"):
        engine.post(Op.PARAM, param_named(f"field/{member}")[0], 0, 0, 0.0)
    bare = Engine(engine.config, plain, note(resonance))
    for each in (engine, bare):
        each.post(Op.PLAY, 0, 960)
    found = run_engine(engine, RATE, 512, drawer)
    assert np.abs(found - run_engine(bare, RATE, 512)).max() < 1e-6
    assert np.abs(found).max() > 0.01


def test_a_member_s_gain_scales_what_it_draws() -> None:
    """Members add up in the domain of the controls: bends in semitones, gains in dB."""
    engine, drawer = drawn_engine(note(STRUCK), channels=1)
    index, _ = param_named("field/body")
    stream(engine, drawer, 32)
    cache = engine.caches[int(engine._state.slots["cache"][engine.slot_of(1)])]
    for gain in (0.0, 1.0, 2.0):
        engine.post(Op.PARAM, index, 0, 0, gain)
        stream(engine, drawer, 960)
        engine.post(Op.TRIGGER, engine.slot_of(1), -1, 0, 1.0)
        stream(engine, drawer, 32)
        voice = int(np.flatnonzero(engine._state.voices["state"])[-1])
        members = np.array([gain, 1.0, 1.0, 1.0])
        position = 16 / RATE * 250.0
        curve = cache.curves[0, 0] + position * (cache.curves[0, 1] - cache.curves[0, 0])
        drawn = engine._state.drawn[voice, : len(curve)]
        assert drawn == pytest.approx(curve @ members, abs=1e-5)
        engine.post(Op.PANIC, 0)
        stream(engine, drawer, 960)


class Played:
    """A score of drawn voices, one after the other, some deformed: for the contract."""

    channels = 2

    def __init__(self, toned: bool) -> None:
        self.instrument = drawn_instrument(toned=toned)
        events = [
            Event(1, 0.01, 0.1, resonance=STRUCK, vector=VECTOR, gain=0.3),
            Event(2, 0.0203, 0.08, resonance=BOWED, vector=VECTOR, gain=0.3, transpose=3.0),
            Event(3, 0.03, 0.11, resonance=BLOWN, vector=VECTOR, gain=0.3, seed=4, stretch=0.5),
            Event(4, 0.04, 0.11, resonance=STRUCK, stretch=-1.0, gain=0.3),
            Event(5, 0.05, 0.11, resonance=BOWED, vibrato_depth=0.5, gain=0.3),
        ]
        self.engine, self.drawer = drawn_engine(EventTable(events), self.instrument)
        self._begin()

    def _begin(self) -> None:
        self.engine.post(Op.PLAY, 0, 0)

    def process(self, out: NDArray[np.float32]) -> None:
        self.engine.process(out)

    def reset(self) -> None:
        self.engine.reset()
        self.drawer = Drawer(self.engine, self.instrument)
        self.drawer.finish()
        self._begin()


@pytest.mark.parametrize("toned", [False, True])
def test_drawn_voices_keep_the_contract(toned: bool) -> None:
    verify_contract(lambda: Played(toned), 9_000)


@pytest.mark.parametrize("toned", [False, True])
@pytest.mark.parametrize("resonance", KINDS)
def test_an_edit_of_the_vector_is_heard_without_a_click(resonance: int, toned: bool) -> None:
    """≤ −60 dB above 8 kHz, where the tones have nothing, re the peak of the sound."""
    table = note(resonance, duration_s=2.0)
    instrument = drawn_instrument(toned=toned)
    instrument.blow_gain[:, 20:] = 0.0  # no noise of its own where the click would be
    streams = []
    for edited in (False, True):
        engine, drawer = drawn_engine(table, instrument, channels=1)
        engine.post(Op.PLAY, 0, 0)
        before = stream(engine, drawer, 12_000)
        drawn = drawer.drawn
        for k in range(8 if edited else 0):
            engine.post(Op.SET, engine.slot_of(1), -1, 0, VECTOR0 + k, 6.0)
        streams.append(np.concatenate([before, stream(engine, drawer, 12_000)]))
        assert (drawer.drawn > drawn) == edited
    calm, sound = streams
    assert gap_db(sound[14_400:], calm[14_400:]) > -40.0, "the edit changes nothing"
    sos = scipy.signal.butter(8, 8_000.0, "highpass", fs=RATE, output="sos")
    click = scipy.signal.sosfilt(sos, sound)[11_000:14_400]
    assert 20 * np.log10(np.abs(click).max() / np.abs(sound).max()) < -60.0


def test_an_edit_during_the_attack_crosses_over_without_a_click() -> None:
    """No step of the waveform is larger than the attacks' own."""
    sounds = []
    for edit_at in (0, 480, None):
        engine, drawer = drawn_engine(note(STRUCK), channels=1)
        engine.post(Op.TRIGGER, engine.slot_of(1), 96, 0, 1.0)
        if edit_at == 0:
            engine.post(Op.SET, engine.slot_of(1), -1, 0, VECTOR0, 24.0)
        before = stream(engine, drawer, 480)
        if edit_at == 480:
            engine.post(Op.SET, engine.slot_of(1), -1, 0, VECTOR0, 24.0)
        sounds.append(np.concatenate([before, stream(engine, drawer, 2_400)]))
    early, amid, calm = (np.abs(np.diff(s[200:])) for s in sounds)
    assert np.abs(sounds[1] - sounds[2]).max() > 0.01, "the edit changes nothing"
    assert amid.max() < 1.1 * max(early.max(), calm.max())


@pytest.mark.parametrize("resonance", [STRUCK, BOWED])
@pytest.mark.parametrize("position", [480, 4_801, 20_000])
@pytest.mark.parametrize("toned", [False, True])
def test_a_voice_opened_in_its_middle_is_where_it_would_be(
    resonance: int, position: int, toned: bool
) -> None:
    table, instrument = note(resonance), drawn_instrument(toned=toned)
    engine, drawer = drawn_engine(table, instrument, channels=1)
    engine.post(Op.SEEK, 0, 0, 0, position / RATE)
    engine.post(Op.PLAY, 0, 64)
    opened = run_engine(engine, 64 + 6_000, 512, drawer)[64:, 0]
    through = heard(table, 1.0, instrument=instrument)[position : position + 6_000]
    # the ticks lie elsewhere and the DC blocker starts afresh; it fades in for 5 ms
    assert gap_db(np.diff(opened[480:]), np.diff(through[480:])) < -35.0


def test_a_nan_among_the_curves_is_passed_over() -> None:
    engine, drawer = drawn_engine(note(BOWED, duration_s=2.0), channels=1)
    stream(engine, drawer, 32)
    cache = engine.caches[int(engine._state.slots["cache"][engine.slot_of(1)])]
    cache.curves[:, 20:40] = np.nan
    engine.post(Op.PLAY, 0, 64)
    sound = stream(engine, drawer, 24_000)
    assert np.isfinite(sound).all()
    assert engine.stats().nans == 0
    assert np.std(sound[-4_800:]) > 0.01, "it plays on, its controls held meanwhile"


def test_a_nan_in_a_drawn_attack_ends_that_voice_only() -> None:
    events = [
        Event(1, 0.0, 0.5, resonance=STRUCK, vector=VECTOR),
        Event(2, 0.0, 0.5, resonance=BOWED, vector=VECTOR),
    ]
    engine, drawer = drawn_engine(EventTable(events), channels=1)
    stream(engine, drawer, 32)
    cache = engine.caches[int(engine._state.slots["cache"][engine.slot_of(1)])]
    cache.attack[:, 200:] = np.nan
    engine.post(Op.PLAY, 0, 0)
    out = np.zeros((RATE // 2, 1), np.float32)
    engine.process(out)
    kinds = [(n.kind, n.event) for n in engine.notices()]
    assert (NoticeKind.NAN, 1) in kinds
    assert np.isfinite(out).all()
    assert np.std(out[-4_800:]) > 0.01, "the other voice plays on"


def test_every_field_of_an_event_may_be_set_on_a_drawn_voice() -> None:
    for resonance in KINDS:
        engine, drawer = drawn_engine(note(resonance), channels=1)
        engine.post(Op.PLAY, 0, 0)
        for index, param in enumerate(EVENT_PARAMS):
            if param.path in ("resonance", "onset_s"):
                continue
            for value in (param.minimum, min(param.maximum, 100.0)):
                engine.post(Op.SET, engine.slot_of(1), -1, 0, index, value)
                assert np.isfinite(run_engine(engine, 480, 480, drawer)).all()


def test_a_duration_set_on_a_sounding_voice_lets_it_go() -> None:
    engine, drawer = drawn_engine(note(BOWED, duration_s=math.inf, release_s=0.05), channels=1)
    engine.post(Op.PLAY, 0, 0)
    engine.post(Op.SET, engine.slot_of(1), 4_800, 0, DURATION, 0.3)
    sound = run_engine(engine, RATE, 512, drawer)[:, 0]
    assert np.std(sound[9_600:14_000]) > 0.01
    assert np.abs(np.diff(sound[-9_600:])).max() < 1e-5
    assert engine.stats().voices == 0


def test_a_breath_without_modes_fades_when_it_is_let_go() -> None:
    """5 ms, not the rest of the tick."""
    instrument = drawn_instrument()
    instrument.field = None
    instrument.blow_wet[BLOWN] = 0.0
    instrument.mode_gain[BLOWN] = 0.0
    instrument.blow_gain[BLOWN] = 0.05
    engine = Engine(
        EngineConfig(sample_rate=RATE, channels=1, slots=4, voices=4),
        instrument,
        note(BLOWN, duration_s=0.2, vector=(0.0,) * 32),
    )
    engine.post(Op.PLAY, 0, 0)
    sound = run_engine(engine, 14_400, 480)[:, 0]
    assert np.std(sound[9_600:9_700]) > 0.3 * np.std(sound[4_800:9_600])
    assert np.abs(np.diff(sound[9_900:])).max() < 1e-4


@pytest.mark.parametrize("left", [np.nan, np.inf, -np.inf, 1e30, -1e9])
def test_what_an_earlier_voice_has_left_behind_is_not_heard(left: float) -> None:
    """Four modes stand in sixteen columns; something lies in every column of every row."""
    sounds = []
    for value in (0.0, left):
        instrument = drawn_instrument()
        engine, drawer = drawn_engine(
            EventTable(
                Event(i + 1, 0.01 * i, duration_s=0.1, resonance=i % 3, seed=i, vector=VECTOR)
                for i in range(6)
            ),
            instrument,
        )
        engine._state.modes[:] = value
        engine._state.rings[:] = value
        engine._state.gain_db[:] = value
        engine._state.drawn[:] = value
        engine.post(Op.PLAY, 0, 0)
        sounds.append(stream(engine, drawer, RATE // 4))
        assert engine.stats().nans == 0
    assert np.abs(sounds[0]).max() > 0.01
    assert np.array_equal(sounds[0], sounds[1])
