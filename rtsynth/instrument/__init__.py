"""An instrument: a bank of resonances, how each is excited, and the field that draws its events.

What an event of gain 1 with onset 0 sounds like, through its one resonance r. Its age runs at the
rate `stretch`: age(t) = ∫ stretch dt. The neural field (`rtsynth.instrument.field`) draws controls
over age, c = clip(Σ_k g_k · member_k(vector, age)), g_k being the live gains of its members, and an
attack waveform; without a field all are 0, which is neutral.

    modes    y(t) = Σ_m Re( g_m · z_m ),   z_m' = s_m z_m + c_m · drive(t)
             s_m = −ln(1000)·stretch / (t60_m · damp · 2^c_damp) + j·2π·f_m,
             f_m = freq_m · 2^((transpose + c_bend)/12), inharm and detune applied,
             c_m = mode_gain[r, m, 0] + j·mode_gain[r, m, 1],
             g_m in dB = (bright + c_bright)·log2(freq_m/lowest) + Σ_j vector_j·mode_map[j, m]
                         + 20·log10(2)·c_tone(log2(freq_m · 2^((transpose + c_bend)/12) / 100 Hz)),
             c_tone being read linearly between the tone bands 0 … 15, evenly over 7 octaves, and
             the outermost beyond them: formants, which stay where they are when the pitch moves
    strike   the drive has an impulse of strength impulse[r] at the onset
    attack   attack[r], a waveform of at most 0.5 s at `attack_rate`, and the field's
    noise    n(t) = envelope(t) · (filter * white)(t) for strike_s[r] seconds, its 64 points spread
             evenly and read linearly; `strike_dry[r]·n` is heard, `strike_wet[r]·n` is drive
    blow     b(t): even noise of RMS amplitude blow_gain[r, b] · 2^c_b in each band of
             `NOISE_EDGES_HZ`, falling 60 dB in blow_t60_s[r, b]·damp seconds of age (0: it stays,
             and fades in within 256 frames, while what falls is there at once);
             even means that its spectra have the level of their band in every bin, and random
             phases;
             `blow_dry[r]·2^c_dry·b` is heard, `blow_wet[r]·2^c_wet·b` is drive
    bow      each mode is driven in phase with itself: the drive has −Re(s_m)·bow[r]·2^c_bow·u_m,
             u_m' = j·Im(s_m)·u_m, u_m(0) = 1, so that its amplitude follows the bow's curve to
             |c_m|·bow·2^c_bow with the mode's own decay as time constant

Blow (within 5 ms) and bow end with the event's duration; then decay rates add,
1/T60 + 1/release_s. `mode_gain` is passive: at any frequency |Σ_m c_m / (j2πf − s_m)| ≤ 1, so the
drive's spectrum bounds the output's. An event whose stretch is negative begins at its end.

A texture event plays white noise shaped to `texture_gain[r]`, an RMS amplitude per band of
`NOISE_EDGES_HZ` (vector: dB per band). Band b moves by d·m_b(t) − d²·ln(10)/20 dB, d being
`am_depth_db[r, b]` and m_b smooth noise of unit variance with two independent values per cycle of
`am_rate_hz[r]`, so that its RMS amplitude stays `texture_gain`. To it are added a Poisson process
of `click_rate_hz[r]` impulses into the resonance's modes, bent as for a modal event, each of
strength `click_gain[r]` · 10^(`click_spread_db[r]`·normal/20), in seconds; and hum partials
`hum_gain[r]` · sin(2π·`hum_hz[r]`·t). It fades in and out over 5 ms, whatever its release.
"""

from rtsynth.instrument.bands import NOISE_BANDS, NOISE_EDGES_HZ
from rtsynth.instrument.field import (
    CONTROL_LIMITS,
    CONTROLS,
    MEMBERS,
    PLAIN_CONTROLS,
    FieldNet,
    FieldWeights,
)
from rtsynth.instrument.instrument import (
    ENVELOPE_POINTS,
    HUM_PARTIALS,
    INSTRUMENT_VERSION,
    Instrument,
)
from rtsynth.instrument.passive import passive_impulse

__all__ = [
    "CONTROLS",
    "CONTROL_LIMITS",
    "ENVELOPE_POINTS",
    "HUM_PARTIALS",
    "INSTRUMENT_VERSION",
    "MEMBERS",
    "PLAIN_CONTROLS",
    "NOISE_BANDS",
    "NOISE_EDGES_HZ",
    "FieldNet",
    "FieldWeights",
    "Instrument",
    "passive_impulse",
]
