"""What is reported about a decomposition, and never optimised against silently. Thread: any."""

from rtsynth.metrics.comparison import compare
from rtsynth.metrics.onset import OnsetScores, events_per_note, match_onsets, onset_scores
from rtsynth.metrics.residual import noise_w1, residual_w1, tonality
from rtsynth.metrics.sparsity import EventBits, event_bits, onset_bits, rates, vector_bits
from rtsynth.metrics.spectral import (
    log_spectral_distance,
    multi_resolution,
    relative_l1,
    si_sdr,
    snr,
    stft_magnitude,
)

__all__ = [
    "EventBits",
    "OnsetScores",
    "compare",
    "event_bits",
    "events_per_note",
    "log_spectral_distance",
    "match_onsets",
    "multi_resolution",
    "noise_w1",
    "onset_bits",
    "onset_scores",
    "rates",
    "relative_l1",
    "residual_w1",
    "si_sdr",
    "snr",
    "stft_magnitude",
    "tonality",
    "vector_bits",
]
