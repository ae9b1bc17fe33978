"""Devices that call an engine: the sound card, the null device, a file, a hand; and a recorder.

    with open_device(engine) as device:     # sound card, or null where there is none
        ...

Thread: main, unless a function says otherwise.
"""

from rtsynth.audio.device import Device, DeviceInfo, EngineLike
from rtsynth.audio.feedback import why_unheard
from rtsynth.audio.file import FileDevice, WavWriter, read_input, read_wav
from rtsynth.audio.hand import HandDevice
from rtsynth.audio.null import NullDevice
from rtsynth.audio.open import input_channels, list_devices, open_device, preferred_rate
from rtsynth.audio.portaudio import PortAudioDevice, rescan
from rtsynth.audio.recorder import InputSide, Recorder, RecordingEngine

__all__ = [
    "Device",
    "DeviceInfo",
    "EngineLike",
    "FileDevice",
    "HandDevice",
    "InputSide",
    "NullDevice",
    "PortAudioDevice",
    "Recorder",
    "RecordingEngine",
    "WavWriter",
    "input_channels",
    "list_devices",
    "read_input",
    "open_device",
    "preferred_rate",
    "read_wav",
    "rescan",
    "why_unheard",
]
