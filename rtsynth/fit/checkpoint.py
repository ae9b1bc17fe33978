"""Checkpoints: everything a run needs to go on, in one safetensors file. Thread: worker."""

import dataclasses
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rtsynth.errors import FileFormatError
from rtsynth.events import Score
from rtsynth.fit.material import Material
from rtsynth.instrument import Instrument
from rtsynth.safefile import load_arrays, save_arrays

__all__ = ["Checkpoint", "material_digest", "pack_files", "unpack_files"]

VERSION = (1, 0)
Arrays = dict[str, NDArray[Any]]


@dataclasses.dataclass
class Checkpoint:
    """A run at a step.

    Attributes:
        arrays: parameters, Adam's moments, the best parameters, the files it began with.
        facts: step, fingerprints, the state of the random source: JSON-able.
    """

    arrays: Arrays
    facts: dict[str, Any]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it atomically."""
        try:
            save_arrays(path, "checkpoint", VERSION, self.arrays, self.facts)
        except OSError as error:
            raise FileFormatError(f"{path}: cannot be written ({error.strerror})") from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Checkpoint":
        """Read it.

        Raises:
            FileFormatError: damaged, or no checkpoint.
        """
        arrays, facts = load_arrays(path, "checkpoint", VERSION)
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise FileFormatError(f"{path}: {name} holds NaN or infinity; take an earlier one")
        return cls(arrays, facts)

    def tensors(self, prefix: str) -> dict[str, torch.Tensor]:
        """The arrays whose names begin with the prefix, under the rest of their names."""
        return {
            name.removeprefix(prefix): torch.from_numpy(array.copy())
            for name, array in self.arrays.items()
            if name.startswith(prefix)
        }


def pack_files(material: Material) -> Arrays:
    """Scores and instrument as the bytes of their files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        material.instrument.save(path)
        files = {"file.instrument": path.read_bytes()}
        for number, piece in enumerate(material.pieces):
            piece.score.save(path)
            files[f"file.score{number}"] = path.read_bytes()
    return {name: np.frombuffer(blob, np.uint8) for name, blob in files.items()}


def unpack_files(arrays: Arrays) -> tuple[list[Score], Instrument]:
    """What `pack_files` packed, read as warily as any file.

    Raises:
        FileFormatError: damaged or missing.
    """
    with tempfile.TemporaryDirectory() as folder:

        def read(name: str) -> Path:
            if name not in arrays:
                raise FileFormatError(f"the checkpoint lacks {name}; it is damaged")
            path = Path(folder) / name
            path.write_bytes(arrays[name].tobytes())
            return path

        instrument = Instrument.load(read("file.instrument"))
        count = sum(name.startswith("file.score") for name in arrays)
        return [Score.load(read(f"file.score{number}")) for number in range(count)], instrument


def material_digest(material: Material) -> str:
    """SHA-256 over recordings, scores and instrument."""
    digest = hashlib.sha256(material.instrument.fingerprint().encode())
    for piece in material.pieces:
        digest.update(piece.target.tobytes())
        digest.update(piece.score.table.rows.tobytes())
    return digest.hexdigest()
