"""Gradient descent on everything at once, where the recipe asks for it and torch is there.

Thread: worker.
"""

import importlib
import importlib.util
from typing import Any

from rtsynth.decompose.progress import Progress
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording
from rtsynth.errors import UsageError
from rtsynth.events import Score
from rtsynth.instrument import Instrument

__all__ = ["check_joint", "refine_jointly"]

LONGEST_S = 120.0  # it measures the whole again and again


def refine_jointly(
    score: Score,
    instrument: Instrument,
    recording: Recording,
    recipe: Recipe,
    progress: Progress,
) -> tuple[Score, Instrument, list[str]]:
    """Score and instrument after `recipe.joint_steps` steps, and notes about it.

    A device that is not there is replaced by the processor, and a recording over `LONGEST_S` is
    left as it is, each with a note.
    """
    if recording.seconds > LONGEST_S:
        return score, instrument, [f"no joint fit: it takes at most {LONGEST_S:g} s of sound"]
    from rtsynth.decompose.joint.fit import refine  # brings torch, which only this step needs

    device, notes = _device(recipe.device)
    progress.begin("joint", recipe.joint_steps)
    score, instrument, _ = refine(
        score,
        instrument,
        recording,
        steps=recipe.joint_steps,
        seed=recipe.seed,
        device=device,
        advance=progress.advance,
    )
    return score, instrument, notes


def check_joint(recipe: Recipe) -> None:
    """Say at once, not after minutes, that a recipe's joint fit cannot run.

    Raises:
        UsageError: torch is not installed.
    """
    if recipe.joint_steps > 0 and importlib.util.find_spec("torch") is None:
        raise UsageError(
            f"joint_steps = {recipe.joint_steps} needs torch; pip install 'rtsynth[torch]', or "
            "use the recipe fast"
        )


def _device(wanted: str) -> tuple[str, list[str]]:
    torch: Any = importlib.import_module("torch")
    there = bool(torch.cuda.is_available())
    if wanted == "cuda" and not there:
        return "cpu", [
            "no CUDA device here: the joint fit ran on the processor, which takes longer"
        ]
    return ("cuda" if there and wanted != "cpu" else "cpu"), []
