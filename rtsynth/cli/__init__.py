"""Words to functions. Heavy imports stand inside the commands: `--help` answers at once.

Exit codes: 0 done, 1 the commands ran and the answer is no, 2 bad input (one line says what), 130
interrupted. Thread: main.
"""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from rtsynth.cli.parser import make_parser
from rtsynth.errors import RtsynthError, UsageError

__all__ = ["run"]

INTERRUPTED = 130
BAD_INPUT = 2


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and return the exit code; an error is one line on standard error."""
    options = argparse.Namespace()
    try:
        options = make_parser().parse_args(arguments)
        logging.basicConfig(
            level=logging.DEBUG if options.verbose else logging.WARNING,
            format="rtsynth: %(message)s",
        )
        module, _, function = options.command.rpartition(".")
        return int(getattr(importlib.import_module(f"rtsynth.cli.{module}"), function)(options))
    except KeyboardInterrupt:
        if getattr(options, "work", None):
            print("rtsynth: interrupted; the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RtsynthError as error:
        print(f"rtsynth: {error}", file=sys.stderr)
        if isinstance(error, UsageError):
            print("rtsynth: see rtsynth --help", file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        print(f"rtsynth: {name}{error.strerror or error}", file=sys.stderr)
        return BAD_INPUT
