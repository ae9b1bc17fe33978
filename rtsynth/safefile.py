"""Arrays with JSON metadata in one safetensors file: written whole or not at all, read warily.

Both the score and the instrument are such a file. A reader never executes what it reads (no
pickle), checks sizes before it allocates and knows its format's version. Thread: main, worker.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from rtsynth.errors import FileFormatError, NewerVersionError

__all__ = ["atomic_write", "format_version", "load_arrays", "save_arrays"]

MAX_FILE_BYTES = 4 << 30
MAX_METADATA_BYTES = 64 << 20
Arrays = dict[str, NDArray[Any]]


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends without error.

    The file is synced before the rename and the folder after it, so that a process killed at any
    moment leaves the old file or the new one, never half of one.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
        if os.name == "posix":
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


def save_arrays(
    path: str | os.PathLike[str],
    kind: str,
    version: tuple[int, int],
    arrays: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, Any],
) -> None:
    """Write `arrays` and JSON-able `metadata` as a file of the given kind and format version."""
    header = {
        "format": f"rtsynth.{kind}",
        "version": f"{version[0]}.{version[1]}",
        "metadata": json.dumps(metadata, sort_keys=True, allow_nan=False),
    }
    blob = save({k: np.ascontiguousarray(v) for k, v in arrays.items()}, metadata=header)
    with atomic_write(path) as temporary:
        temporary.write_bytes(blob)


def load_arrays(
    path: str | os.PathLike[str], kind: str, version: tuple[int, int]
) -> tuple[Arrays, dict[str, Any]]:
    """Read a file written by `save_arrays`.

    Returns:
        The arrays and the metadata. Nothing is known of their shapes yet: the caller validates.

    Raises:
        FileFormatError: missing, truncated, of another kind, or with damaged metadata.
        NewerVersionError: its major version is later than `version`.
    """
    name = Path(path)
    try:
        size = name.stat().st_size
    except OSError as error:
        raise FileFormatError(
            f"{name}: cannot be read ({error.strerror}); check the path"
        ) from None
    if not name.is_file() or size > MAX_FILE_BYTES:
        raise FileFormatError(f"{name}: not a regular file of at most {MAX_FILE_BYTES >> 30} GiB")
    try:
        with safe_open(name, framework="numpy") as file:
            header = file.metadata() or {}
            metadata = _checked_header(name, kind, version, header)
            arrays = {key: file.get_tensor(key) for key in file.keys()}
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        # AttributeError: a type that NumPy does not have, such as float8
        raise FileFormatError(
            f"{name}: not a readable rtsynth {kind} file ({error}); make it again, or take a "
            "recording apart with `rtsynth decompose` first"
        ) from None
    return arrays, metadata


def format_version(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Major and minor version of a file that `load_arrays` has read."""
    with safe_open(path, framework="numpy") as file:
        major, _, minor = (file.metadata() or {}).get("version", "").partition(".")
    return int(major), int(minor)


def _checked_header(
    name: Path, kind: str, version: tuple[int, int], header: Mapping[str, str]
) -> dict[str, Any]:
    if header.get("format") != f"rtsynth.{kind}":
        raise FileFormatError(
            f"{name}: holds {header.get('format', 'no rtsynth data')!r}, expected 'rtsynth.{kind}'"
        )
    major, _, minor = header.get("version", "").partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise FileFormatError(f"{name}: has no legal format version ({header.get('version')!r})")
    if int(major) > version[0]:
        raise NewerVersionError(
            f"{name}: format version {major}.{minor} is newer than the {version[0]}.{version[1]} "
            "this rtsynth reads; update rtsynth"
        )
    text = header.get("metadata", "{}")
    if len(text) > MAX_METADATA_BYTES:
        raise FileFormatError(f"{name}: metadata of {len(text)} bytes is over the limit")
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError):
        raise FileFormatError(f"{name}: metadata is not JSON; make the file again") from None
    if not isinstance(metadata, dict):
        raise FileFormatError(f"{name}: metadata is no JSON object; make the file again")
    return metadata
