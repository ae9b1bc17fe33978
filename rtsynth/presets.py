"""Where the shipped things lie: recordings, scores, instruments, presets. Thread: main."""

from pathlib import Path

from rtsynth.errors import UnknownNameError

__all__ = ["find_shipped"]

PACKAGE = Path(__file__).resolve().parent
FOLDERS = (PACKAGE / "_presets", PACKAGE.parent / "presets")
"""Package data of an installed rtsynth; the folder beside the package in a checkout."""


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
