"""Whether what comes in may be heard: a microphone hears the speakers. Thread: main."""

__all__ = ["why_unheard"]


def why_unheard(output: str, input_: str, inputs: int, *, safe: bool) -> str:
    """Why an input must not be monitored; empty if it may be.

    A loop needs a real input and a real output: PortAudio's, whatever they are, since no driver
    says whether a line or a microphone is plugged in. Files and the null device cannot howl.

    Args:
        output: name of the device that is played on.
        input_: name of the device that is heard.
        inputs: channels that the engine hears.
        safe: no loop is possible, or somebody has declared that it is none, or wanted.
    """
    if inputs == 0:
        return "there is none; start with --input NAME"
    if safe:
        return ""
    return (
        f"{input_} may hear {output}, and howl; start with --separate if it cannot "
        "(headphones, a line), or with --allow-feedback if it may"
    )
