"""Where each live parameter stands in `State.params`, and what its columns mean. Thread: any."""

from rtsynth.instrument import MEMBERS
from rtsynth.instrument.field import BEND as DRAWN_BEND
from rtsynth.instrument.field import BOW as DRAWN_BOW
from rtsynth.instrument.field import BRIGHT as DRAWN_BRIGHT
from rtsynth.instrument.field import DAMP as DRAWN_DAMP
from rtsynth.instrument.field import DRY as DRAWN_DRY
from rtsynth.instrument.field import TONE as DRAWN_TONE
from rtsynth.instrument.field import WET as DRAWN_WET
from rtsynth.params import PARAMS

__all__ = [
    "BANK_BRIGHT",
    "BANK_DAMP",
    "BANK_TRANSPOSE",
    "BEFORE",
    "BLOW_LEVEL",
    "BOW_LEVEL",
    "CEILING",
    "DRAWN_BEND",
    "DRAWN_BOW",
    "DRAWN_BRIGHT",
    "DRAWN_DAMP",
    "DRAWN_DRY",
    "DRAWN_TONE",
    "DRAWN_WET",
    "FIELD_LEVEL",
    "LIMITER_RELEASE",
    "MASTER_GAIN",
    "MASTER_MUTE",
    "MONITOR_BYPASS",
    "MONITOR_GAIN",
    "MONITOR_GUARD",
    "MONITOR_PAN",
    "MONITOR_WET",
    "NOW",
    "RETRIGGER",
    "SMOOTHED",
    "STRIKE_LEVEL",
    "TARGET",
    "TEMPO",
    "TICKS_LEFT",
]

TARGET, NOW, TICKS_LEFT, SMOOTHED, BEFORE = range(5)
"""Columns of State.params."""

_INDEX = {p.path: i for i, p in enumerate(PARAMS)}
MASTER_GAIN = _INDEX["master/gain_db"]
MASTER_MUTE = _INDEX["master/mute"]
CEILING = _INDEX["master/ceiling_db"]
LIMITER_RELEASE = _INDEX["master/release_ms"]
BANK_TRANSPOSE = _INDEX["bank/transpose"]
BANK_DAMP = _INDEX["bank/damp"]
BANK_BRIGHT = _INDEX["bank/bright"]
STRIKE_LEVEL = _INDEX["voice/strike"]
RETRIGGER = _INDEX["voice/retrigger"]
TEMPO = _INDEX["transport/tempo"]
BLOW_LEVEL = _INDEX["voice/blow"]
BOW_LEVEL = _INDEX["voice/bow"]
MONITOR_GAIN = _INDEX["monitor/gain"]
MONITOR_PAN = _INDEX["monitor/pan"]
MONITOR_WET = _INDEX["monitor/wet"]
MONITOR_BYPASS = _INDEX["monitor/bypass"]
MONITOR_GUARD = _INDEX["monitor/guard"]
FIELD_LEVEL = _INDEX[f"field/{MEMBERS[0]}"]
"""Of the first member; the others follow."""
