"""What is reported about a decomposition, and never optimised against silently. Thread: any."""

from rtsynth.metrics.comparison import compare
from rtsynth.metrics.ear import ear_scores, mean_opinion
from rtsynth.metrics.embedding import (
    embedding_match,
    embedding_scores,
    embeddings,
    frechet_distance,
)
from rtsynth.metrics.information import flac_bits
from rtsynth.metrics.note import match_notes, note_number, note_scores
from rtsynth.metrics.onset import (
    OnsetScores,
    events_per_note,
    match_onsets,
    merge_onsets,
    onset_scores,
)
from rtsynth.metrics.residual import noise_w1, residual_w1, tonality
from rtsynth.metrics.scoring import event_pitches, score_against, score_onsets
from rtsynth.metrics.sparsity import EventBits, event_bits, onset_bits, rates, vector_bits
from rtsynth.metrics.spectral import (
    log_spectral_distance,
    multi_resolution,
    relative_l1,
    si_sdr,
    snr,
    stft_magnitude,
)
from rtsynth.metrics.stem import Placed, StemScores, stem_scores, stem_si_sdr
from rtsynth.metrics.truth import TrueEvent, Truth, read_truth, truth_from
from rtsynth.metrics.vocoder import noise_vocoder

__all__ = [
    "EventBits",
    "OnsetScores",
    "Placed",
    "StemScores",
    "TrueEvent",
    "Truth",
    "compare",
    "ear_scores",
    "embedding_match",
    "embedding_scores",
    "embeddings",
    "event_bits",
    "event_pitches",
    "events_per_note",
    "flac_bits",
    "frechet_distance",
    "log_spectral_distance",
    "match_notes",
    "match_onsets",
    "mean_opinion",
    "merge_onsets",
    "multi_resolution",
    "noise_vocoder",
    "noise_w1",
    "note_number",
    "note_scores",
    "onset_bits",
    "onset_scores",
    "rates",
    "read_truth",
    "relative_l1",
    "residual_w1",
    "score_against",
    "score_onsets",
    "si_sdr",
    "snr",
    "stem_scores",
    "stem_si_sdr",
    "stft_magnitude",
    "tonality",
    "truth_from",
    "vector_bits",
]
