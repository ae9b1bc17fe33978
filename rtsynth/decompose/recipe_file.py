"""Recipes by name or from a YAML file. Thread: main."""

from pathlib import Path

from rtsynth.decompose.recipe import Recipe
from rtsynth.errors import UnknownNameError
from rtsynth.presets import find_shipped
from rtsynth.yamlfile import load_record

__all__ = ["RECIPES", "load_recipe"]

RECIPES = ("fast", "quality", "gpu")
"""Names of the shipped recipes."""


def load_recipe(word: str) -> Recipe:
    """A shipped recipe by its name, or one from a file.

    Raises:
        UnknownNameError: neither a file nor a shipped recipe.
        FileFormatError: the file is no recipe; the message names line and key.
    """
    path = Path(word)
    if word in RECIPES and not path.is_file():
        return load_record(find_shipped(f"recipes/{word}.yaml"), Recipe)
    if not path.exists() and not path.suffix and len(path.parts) == 1:
        raise UnknownNameError(
            f"no file and no shipped recipe {word[:80]!r}; shipped: {', '.join(RECIPES)}"
        )
    return load_record(path, Recipe)
