"""An experiment is read strictly: an error names file, line and key."""

import dataclasses
from pathlib import Path

import pytest

from rtsynth.errors import FileFormatError
from rtsynth.fit import Experiment, FieldSize, LossTerm, Rates, load_experiment
from rtsynth.presets import find_shipped


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(FileFormatError) as caught:
        load_experiment(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["quick", "field", "full"])
def test_shipped_experiments_are_legal(name: str) -> None:
    found = load_experiment(find_shipped(f"experiments/{name}.yaml"))
    assert found.name == name
    assert (found.field is None) == (name == "quick")


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "steps: 7\ncrop_s: 1\nfield: {hidden: 8}\nrates:\n  pitch: 0.5\nchoice: em\n"
        "losses:\n  - {name: multiscale, weight: 2, settings: {alpha: 0.5}}\n"
    )
    wanted = Experiment(
        steps=7, crop_s=1.0, field=FieldSize(hidden=8), rates=Rates(pitch=0.5), choice="em",
        losses=(LossTerm("multiscale", 2.0, {"alpha": 0.5}),),
    )  # fmt: skip
    assert load_experiment(path) == wanted
    path.write_text("")
    assert load_experiment(path) == Experiment()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("seed: 1\nstepps: 4\n", 2, ("stepps", "legal: name, seed")),
        ("steps: 0\n", 1, ("steps = 0", "legal: 1")),
        ("seed: 1\nrates:\n  pitch: fast\n", 3, ("rates.pitch", "'fast'", "a number")),
        ("seed: 1\nrates:\n  pitch: 11\n", 3, ("pitch = 11", "0 … 10")),
        ("steps: true\n", 1, ("steps", "whole number")),
        ("steps: 1\nsteps: 2\n", 2, ("twice",)),
        ("choice: best\n", 1, ("'best'", "fixed, em, gumbel")),
        ("losses:\n  - {name: bar}\n", 2, ("'bar'", "multiscale")),
        ("losses:\n  - {settings: {alhpa: 1}}\n", 2, ("alhpa", "windows, alpha")),
        ("losses: []\n", 1, ("losses is empty",)),
        ("losses: 3\n", 1, ("losses", "list")),
        ("field: 3\n", 1, ("field", "mapping")),
        ("- 1\n", 1, ("mapping",)),
        ("name: !!python/object:os.system x\n", 1, ("name",)),
    ],
)
def test_a_mistake_is_named_with_its_line(
    text: str, line: int, words: tuple[str, ...], tmp_path: Path
) -> None:
    message = refused(tmp_path, text)
    assert f"line {line}:" in message
    for word in words:
        assert word in message


def test_what_is_no_yaml_or_no_file_is_refused(tmp_path: Path) -> None:
    assert "not YAML" in refused(tmp_path, "a: [")
    assert "bytes" in refused(tmp_path, "#" * (1 << 20) + "\n")
    with pytest.raises(FileFormatError, match="cannot be read"):
        load_experiment(tmp_path / "missing.yaml")


def test_the_fingerprint_is_that_of_what_decides_the_result() -> None:
    plain = Experiment()
    for same in ({"name": "x"}, {"checkpoint_every": 7}, {"device": "auto"}):
        assert dataclasses.replace(plain, **same).fingerprint() == plain.fingerprint()
    for other in ({"seed": 1}, {"rates": Rates(pitch=0.2)}, {"field": FieldSize()}):
        assert dataclasses.replace(plain, **other).fingerprint() != plain.fingerprint()
