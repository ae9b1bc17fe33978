"""Recordings of hits: which drums sound when, their waveforms, their hiss. Thread: worker."""
