"""One tick of sound poured into another."""

from typing import Any

import numpy as np

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.pour import pour
from rtsynth.dsp.registers import TICK


@kernel("void(float32[:,::1], float32[:,::1])")
def pour_rows(found: Any, out: Any) -> None:
    for c in range(out.shape[0]):
        pour(found[c], out[c])


def test_what_is_poured_is_added_sample_by_sample_and_gone() -> None:
    rng = np.random.default_rng(4)
    found, out = rng.normal(size=(2, 3, TICK)).astype(np.float32)
    expected = out + found
    pour_rows(found, out)
    assert np.array_equal(out, expected)
    assert not found.any()
