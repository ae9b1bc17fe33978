"""The joint fit in the pipeline: where it cannot run, that is said before anything is done."""

import importlib.util
from typing import Any

import numpy as np
import pytest

from rtsynth.decompose import Recipe, decompose_array
from rtsynth.errors import UsageError
from tests.decompose.known_bank import RATE


def without_torch(name: str, *rest: Any) -> None:
    assert name == "torch", "nothing else is looked for"


def test_without_torch_a_joint_fit_is_refused_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", without_torch)
    with pytest.raises(UsageError, match="joint_steps = 5 needs torch"):
        decompose_array(np.zeros(RATE), RATE, recipe=Recipe(joint_steps=5))
