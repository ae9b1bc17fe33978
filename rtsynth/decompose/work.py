"""A folder that keeps what every step has found, so that an interrupted run goes on.

Files are named `SEGMENT.STEP.safetensors`, or `line.*` for a line of sustained notes or noise that
moves, which have no steps; each is written whole or not at all. Thread: worker.
"""

import functools
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from rtsynth.decompose.disk import let_go
from rtsynth.decompose.keys.note import Note
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.steps import STEPS, State, load_state, save_state
from rtsynth.errors import FileFormatError
from rtsynth.events import Score
from rtsynth.instrument import Instrument

__all__ = ["Work", "fingerprint"]

BLOCK = 1 << 20  # frames at once
STAMP = "fingerprint.txt"
LINE_SCORE, LINE_INSTRUMENT = "line.score.safetensors", "line.instrument.safetensors"
STATE = re.compile(r"(\d{4,})\.\d-([a-z]+)\.safetensors")
HERE = Path(__file__).parent


def fingerprint(recording: Recording, recipe: Recipe, notes: Sequence[Note] | None = None) -> str:
    """SHA-256 of everything that decides what the steps find."""
    facts = f"{_sources()} {recipe.fingerprint()} {recording.sample_rate} {notes}"
    digest = hashlib.sha256(facts.encode())
    digest.update(str(recording.frames.shape).encode())
    for first in range(0, len(recording.frames), BLOCK):
        digest.update(recording.frames[first : first + BLOCK].tobytes())
    let_go(recording.frames)
    return digest.hexdigest()


@functools.cache
def _sources() -> str:
    """SHA-256 of the code: other code may find something else in the same recording."""
    digest = hashlib.sha256()
    for path in sorted(HERE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Work:
    """A folder of states; without one, nothing is kept and nothing taken up.

    Args:
        folder: made if it is not there; None for none.
        mark: fingerprint of recording and recipe.

    Attributes:
        folder: as given.

    Raises:
        FileFormatError: no folder can be made there, or it belongs to something else.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, mark: str) -> None:
        self.folder = Path(folder) if folder is not None else None
        self._mark = mark
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            stamp = self.folder / STAMP
            if not stamp.exists():
                stamp.write_text(mark + "\n")
            found = stamp.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise FileFormatError(
                f"{self.folder}: cannot keep work there ({error}); choose another folder"
            ) from None
        if found != mark:
            raise FileFormatError(
                f"{self.folder}: holds work on another recording, with another recipe or other "
                "notes, or of another version; choose another folder or remove it"
            )

    def keep(self, segment: int, state: State) -> None:
        """Write the state of a segment after its last step."""
        if self.folder is not None:
            save_state(state, self._path(segment, state.done), self._mark)

    def latest(self, segment: int, until: str) -> State | None:
        """The furthest state of a segment that was kept, at most after the step `until`.

        Raises:
            FileFormatError: what was kept is damaged.
        """
        names = list(STEPS)
        for step in reversed(names[: names.index(until) + 1]):
            if self.folder is not None and self._path(segment, step).is_file():
                return load_state(self._path(segment, step), self._mark)
        return None

    def reached(self) -> str:
        """Where a run goes on; empty if nothing is kept."""
        names = (path.name for path in self.folder.iterdir()) if self.folder is not None else ()
        kept = sorted(found.groups() for name in names if (found := STATE.fullmatch(name)))
        steps = list(STEPS)
        kept = [(segment, step) for segment, step in kept if step in steps]
        if not kept:
            return ""
        last = max(int(segment) for segment, _ in kept)
        step = max((s for segment, s in kept if int(segment) == last), key=steps.index)
        if step == steps[-1]:
            return f"{self.folder}: {last + 1} segments are done there"
        return f"{self.folder}: goes on with segment {last + 1}, after its step {step}"

    def keep_line(self, score: Score, instrument: Instrument) -> None:
        """Write what a line of sustained notes, or noise that moves, has become."""
        if self.folder is not None:
            instrument.save(self.folder / LINE_INSTRUMENT)
            score.save(self.folder / LINE_SCORE)

    def line(self) -> tuple[Score, Instrument] | None:
        """What `keep_line` has written.

        Raises:
            FileFormatError: it is damaged.
        """
        if self.folder is None or not (self.folder / LINE_SCORE).is_file():
            return None
        return Score.load(self.folder / LINE_SCORE), Instrument.load(self.folder / LINE_INSTRUMENT)

    def _path(self, segment: int, step: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{segment:04d}.{list(STEPS).index(step)}-{step}.safetensors"
