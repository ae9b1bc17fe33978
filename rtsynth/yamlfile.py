"""A frozen record read from YAML: strict, and an error names file, line and key. Thread: main."""

import dataclasses
import os
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from rtsynth.errors import FileFormatError, UnknownNameError, ValueRangeError

__all__ = ["load_record"]

MAX_BYTES = 1 << 20
Check = Callable[[Any], object]
Record = TypeVar("Record")


def load_record(
    path: str | os.PathLike[str], kind: type[Record], check: Check = lambda record: None
) -> Record:
    """Read a dataclass whose fields are the file's keys; a missing key keeps its default.

    Args:
        path: of the file.
        kind: a dataclass of numbers, words, tuples and dataclasses, which checks its own values.
        check: called with each record that was made; may raise what a record may raise.

    Raises:
        FileFormatError: unreadable, no YAML, or an unknown key or illegal value in it.
    """
    name = os.fspath(path)
    try:
        blob = Path(path).read_bytes()
        if len(blob) > MAX_BYTES:
            raise FileFormatError(f"{name}: {len(blob)} bytes; legal: at most {MAX_BYTES}")
        node = yaml.compose(blob.decode(), Loader=yaml.SafeLoader)
    except OSError as error:
        raise FileFormatError(f"{name}: cannot be read ({error.strerror}); check it") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise FileFormatError(f"{name}: is not YAML ({' '.join(str(error).split())})") from None
    if node is None:
        return kind()
    found: Record = _record(name, node, kind, "", check)
    return found


def _fail(name: str, node: yaml.Node, text: str) -> FileFormatError:
    return FileFormatError(f"{name}, line {node.start_mark.line + 1}: {text}")


def _record(name: str, node: yaml.Node, kind: Any, path: str, check: Check) -> Any:
    """A dataclass from a mapping."""
    if not isinstance(node, yaml.MappingNode):
        raise _fail(name, node, f"{path or 'the file'} must be a mapping of keys to values")
    hints = typing.get_type_hints(kind)
    found: dict[str, Any] = {}
    nodes: dict[str, yaml.Node] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key not in hints:
            legal = ", ".join(hints)
            raise _fail(name, key_node, f"unknown key {path}{key}; legal: {legal}")
        if key in found:
            raise _fail(name, key_node, f"{path}{key} is given twice; remove one")
        found[key] = _value(name, value_node, hints[key], f"{path}{key}", check)
        nodes[key] = value_node
    try:
        record = kind(**found)
        check(record)
    except (ValueRangeError, UnknownNameError) as error:
        raise _fail(name, nodes.get(error.field or "", node), f"{path}{error}") from None
    return record


def _value(name: str, node: yaml.Node, hint: Any, path: str, check: Check) -> Any:
    if isinstance(hint, types.UnionType):
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"):
            return None
        hint = next(h for h in typing.get_args(hint) if h is not type(None))
    if dataclasses.is_dataclass(hint):
        return _record(name, node, hint, f"{path}.", check)
    if typing.get_origin(hint) is tuple:
        if not isinstance(node, yaml.SequenceNode):
            raise _fail(name, node, f"{path} must be a list")
        inner = typing.get_args(hint)[0]
        return tuple(
            _value(name, item, inner, f"{path}[{place}]", check)
            for place, item in enumerate(node.value)
        )
    plain = _plain(name, node, path)
    if hint is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    wanted = typing.get_origin(hint) or hint
    if not isinstance(plain, wanted) or (isinstance(plain, bool) and wanted is not bool):
        words = {int: "a whole number", float: "a number", str: "text", dict: "a mapping"}
        words[bool] = "true or false"
        raise _fail(name, node, f"{path} = {plain!r}; legal: {words[wanted]}")
    return plain


def _plain(name: str, node: yaml.Node, path: str) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        raise _fail(name, node, f"{path}: {' '.join(str(error).split())}") from None
    finally:
        loader.dispose()
