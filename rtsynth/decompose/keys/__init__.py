"""Chords taken apart: which keys of a keyboard sound at each onset. Thread: any."""
