"""The callback is compiled code that neither allocates nor asks the interpreter for anything."""

import ctypes
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from rtsynth.engine import Op
from rtsynth.engine.compile import DOORS
from tests.engine.bank import clicks, engine_on, run

FUNCTION = re.compile(r"^define[^@]*@\"?([^\"(]+)\"?\(.*?^}", re.M | re.S)
DECLARED = re.compile(r"^declare.*?@\"?([^\"(]+)\"?\(", re.M)
CALLED = re.compile(r"call [^@\n]*@\"?([^\"(]+)\"?\(")
RAISES = ".const.picklebuf"  # what Numba stores for every exception that code can raise
SYSTEM = {"clock_gettime", "clock_gettime_nsec_np"}  # answered without blocking
SYSTEM |= {"sched_yield", "syscall", "usleep"}  # to wake helpers; for one that holds a voice
MATHS = {"sqrt", "log", "log2", "exp", "exp2", "pow", "sin", "cos", "atan2", "floor", "ceil"}

DUMP = """
from rtsynth.engine.callback import callback
from rtsynth.engine.compile import DOORS
for compiled in (callback, *DOORS.values()):
    print(compiled._library.get_llvm_str())
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The LLVM code of the callback and all it calls, compiled afresh: cached code has none."""
    folder = tmp_path_factory.mktemp("cache")
    environment = {**os.environ, "RTSYNTH_CACHE_DIR": str(folder)}
    environment.pop("NUMBA_CACHE_DIR", None)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", DUMP],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=170,
    ).stdout


def test_no_kernel_can_raise(code: str) -> None:
    assert "rtsynth" in code
    assert RAISES not in code


def test_the_callback_calls_no_allocator_and_no_interpreter(code: str) -> None:
    functions = {m.group(1): m.group(0) for m in FUNCTION.finditer(code)}
    entries = [name for name in functions if name.startswith("cfunc.")]
    assert len(entries) == 1 + len(DOORS)
    ours = {name: body for name, body in functions.items() if name not in entries}
    assert len(ours) > 20
    called = {callee for body in ours.values() for callee in CALLED.findall(body)}
    outside = {c for c in called if c not in functions and not c.startswith("llvm.")}
    assert outside <= SYSTEM | MATHS | {f"{name}f" for name in MATHS} | set(DOORS)


def test_the_callbacks_door_meets_the_interpreter_on_its_error_path_only(code: str) -> None:
    doors = [m.group(0) for m in FUNCTION.finditer(code) if m.group(1).startswith("cfunc.")]
    assert len(doors) == 1 + len(DOORS)
    for door in doors:
        first_block = door.split("\nentry.if:")[0]
        assert "entry.if:" in door
        assert not re.search(r"@(Py|numba_|NRT)", first_block)
    # with no kernel able to raise, the status is 0 and the branch is never taken


def test_the_c_callback_and_process_are_the_same_sound() -> None:
    called, processed = engine_on(clicks(0.0, 0.01)), engine_on(clicks(0.0, 0.01))
    for engine in (called, processed):
        engine.post(Op.PLAY, 0, 10)
    ulong = ctypes.c_ulong
    pointer = ctypes.c_void_p
    signature = ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer, ulong, pointer, ulong, pointer)
    function = signature(called.callback_address)
    out = np.zeros((4_800, 2), np.float32)
    for at in range(0, 4_800, 96):
        block = out[at : at + 96]
        assert function(None, block.ctypes.data, 96, None, 0x4, called.userdata_address) == 0
    assert np.array_equal(out, run(processed, 4_800))
    assert called.stats().xruns_output == 50
    assert called.stats().frame == 4_800
