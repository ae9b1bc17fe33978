"""Reading an experiment from YAML: strict, and an error names file, line and key. Thread: main."""

import dataclasses
import os
import types
import typing
from pathlib import Path
from typing import Any

import yaml

from rtsynth.errors import FileFormatError, UnknownNameError, ValueRangeError
from rtsynth.fit.experiment import Experiment
from rtsynth.losses import make_loss

__all__ = ["load_experiment"]

MAX_BYTES = 1 << 20


def load_experiment(path: str | os.PathLike[str]) -> Experiment:
    """Read an experiment.

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
        return Experiment()
    found: Experiment = _record(name, node, Experiment, "")
    return found


def _fail(name: str, node: yaml.Node, text: str) -> FileFormatError:
    return FileFormatError(f"{name}, line {node.start_mark.line + 1}: {text}")


def _record(name: str, node: yaml.Node, kind: Any, path: str) -> Any:
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
        found[key] = _value(name, value_node, hints[key], f"{path}{key}")
        nodes[key] = value_node
    try:
        record = kind(**found)
        if kind.__name__ == "LossTerm":
            make_loss(record.name, record.settings)
    except (ValueRangeError, UnknownNameError) as error:
        raise _fail(name, nodes.get(error.field or "", node), f"{path}{error}") from None
    return record


def _value(name: str, node: yaml.Node, hint: Any, path: str) -> Any:
    if isinstance(hint, types.UnionType):
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"):
            return None
        hint = next(h for h in typing.get_args(hint) if h is not type(None))
    if dataclasses.is_dataclass(hint):
        return _record(name, node, hint, f"{path}.")
    if typing.get_origin(hint) is tuple:
        if not isinstance(node, yaml.SequenceNode):
            raise _fail(name, node, f"{path} must be a list")
        inner = typing.get_args(hint)[0]
        return tuple(_value(name, item, inner, f"{path}[{i}]") for i, item in enumerate(node.value))
    plain = _plain(name, node, path)
    if hint is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    wanted = typing.get_origin(hint) or hint
    if not isinstance(plain, wanted) or isinstance(plain, bool):
        words = {int: "a whole number", float: "a number", str: "text", dict: "a mapping"}
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
