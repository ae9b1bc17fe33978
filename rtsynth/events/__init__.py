"""Events, their sorted table, and the score that holds both with its metadata. Thread: any."""

from rtsynth.events.event import (
    EVENT_DTYPE,
    FIELDS,
    VECTOR_DIM,
    Event,
    Field,
    Kind,
    check_field,
)
from rtsynth.events.score import SCORE_VERSION, Score
from rtsynth.events.table import EventTable

__all__ = [
    "EVENT_DTYPE",
    "FIELDS",
    "SCORE_VERSION",
    "VECTOR_DIM",
    "Event",
    "EventTable",
    "Field",
    "Kind",
    "Score",
    "check_field",
]
