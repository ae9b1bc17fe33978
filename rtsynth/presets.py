"""Where the shipped things lie: recordings, scores, instruments, presets. Thread: main."""

from pathlib import Path

from rtsynth.errors import UnknownNameError

__all__ = ["INSTRUMENTS", "find_score", "find_shipped"]

PACKAGE = Path(__file__).resolve().parent
FOLDERS = (PACKAGE / "_presets", PACKAGE.parent / "presets")
"""Package data of an installed rtsynth; the folder beside the package in a checkout."""

INSTRUMENTS = ("piano", "plucked", "bowed", "drums", "tabla", "mix")
"""Names of the shipped instruments, each with the score of its recording, `audio/NAME.flac`."""

SCORE_SUFFIX = ".score.safetensors"


def find_shipped(name: str) -> Path:
    """Path of a shipped file, such as `audio/piano.flac`.

    Raises:
        UnknownNameError: nothing of that name is shipped.
    """
    for folder in FOLDERS:
        path = folder / name
        if path.is_file():
            return path
    raise UnknownNameError(f"{name!r} is not among the shipped files; was rtsynth installed whole?")


def find_score(word: str) -> Path:
    """A score by its path, or a shipped one by its name, such as `piano`; a file goes first.

    What looks like a path comes back as one, for its reader to refuse.

    Raises:
        UnknownNameError: a bare word that is neither a file nor a shipped instrument.
    """
    path = Path(word)
    if path.exists() or path.suffix or len(path.parts) != 1:
        return path
    if word not in INSTRUMENTS:
        raise UnknownNameError(
            f"no file and no shipped instrument {word[:80]!r}; shipped: {', '.join(INSTRUMENTS)}"
        )
    return find_shipped(word + SCORE_SUFFIX)
