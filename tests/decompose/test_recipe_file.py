"""Recipes: the shipped ones are what they say, and a wrong one is refused by line and key."""

import dataclasses
import pathlib

import pytest

from rtsynth.decompose import Recipe, load_recipe
from rtsynth.decompose.recipe_file import RECIPES
from rtsynth.errors import FileFormatError, UnknownNameError, ValueRangeError


def test_fast_is_the_default() -> None:
    assert load_recipe("fast") == Recipe()


@pytest.mark.parametrize("name", RECIPES)
def test_shipped_recipes_bear_their_names(name: str) -> None:
    assert load_recipe(name).name == name


def test_quality_and_gpu_do_more_than_fast() -> None:
    quality, gpu = load_recipe("quality"), load_recipe("gpu")
    assert quality.sweeps > Recipe().sweeps
    assert 0 < quality.joint_steps < gpu.joint_steps
    assert gpu.device == "cuda"


def test_a_missing_key_keeps_its_default(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("sweeps: 2\ntexture: false\nonly_texture: null\n")
    assert load_recipe(str(path)) == Recipe(sweeps=2, texture=False)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("sweeps: 2\nmodez: 4\n", 2, "unknown key modez; legal: onset_threshold"),
        ("modes: 129\n", 1, "modes = 129; legal: 1 … 128"),
        ("sweeps: fast\n", 1, "sweeps = 'fast'; legal: a whole number"),
        ("sweeps: true\n", 1, "legal: a whole number"),
        ("texture: 1\n", 1, "legal: true or false"),
        ("device: tpu\n", 1, "device = 'tpu'; legal: cpu, cuda, auto"),
        ("sweeps: 2\nsweeps: 3\n", 2, "given twice"),
        ("- 1\n", 1, "must be a mapping"),
        ("seed: -1\n", 1, "seed = -1; legal: 0"),
    ],
)
def test_errors_name_line_and_key(tmp_path: pathlib.Path, text: str, line: int, told: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(FileFormatError) as caught:
        load_recipe(str(path))
    assert f"bad.yaml, line {line}: " in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["a: [", "\x00", "sweeps: !!python/name:os.system"])
def test_what_is_no_plain_yaml_is_refused(tmp_path: pathlib.Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(FileFormatError):
        load_recipe(str(path))


def test_unknown_names_and_missing_files_are_told_apart(tmp_path: pathlib.Path) -> None:
    with pytest.raises(UnknownNameError, match="shipped: fast, quality, gpu"):
        load_recipe("slow")
    with pytest.raises(FileFormatError, match="cannot be read"):
        load_recipe(str(tmp_path / "none.yaml"))


def test_the_fingerprint_is_of_what_decides_the_events() -> None:
    plain = Recipe()
    assert dataclasses.replace(plain, name="x", device="cuda").fingerprint() == plain.fingerprint()
    assert dataclasses.replace(plain, sweeps=5).fingerprint() != plain.fingerprint()


@pytest.mark.parametrize("setting", [{"segment_s": 1.0}, {"joint_steps": -1}, {"whole_s": 0.0}])
def test_values_out_of_range_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValueRangeError, match="legal"):
        Recipe(**setting)  # type: ignore[arg-type]
