"""Whether what comes in may be heard: a microphone hears the speakers. Thread: main."""

from rtsynth.audio.device import Device
from rtsynth.audio.portaudio import PortAudioDevice

__all__ = ["why_unheard"]


def why_unheard(device: Device, inputs: int, *, separate: bool, allow_feedback: bool) -> str:
    """Why an input must not be monitored; empty if it may be.

    A loop needs a real input and a real output: PortAudio's, whatever they are, since no driver
    says whether a line or a microphone is plugged in. Files and the null device cannot howl.

    Args:
        device: what is played on.
        inputs: channels that the engine hears.
        separate: it is declared that the input does not hear the output.
        allow_feedback: it is declared that it may.
    """
    if inputs == 0:
        return "there is none; start with --input NAME"
    if separate or allow_feedback or not isinstance(device, PortAudioDevice):
        return ""
    return (
        f"{device.input_name} may hear {device.name}, and howl; start with --separate if it cannot "
        "(headphones, a line), or with --allow-feedback if it may"
    )
