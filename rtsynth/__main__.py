"""`rtsynth`, and `python -m rtsynth`. Thread: main."""

import logging
import os
import sys

from rtsynth.cli import run

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code."""
    code = run(sys.argv[1:])
    if not {"sounddevice", "rtsynth.service"} & sys.modules.keys():
        sys.exit(code)
    # All is closed by now. A driver's own clean-up at the end of a process may crash or hang
    # where its server has died meanwhile, and the compiler's takes a while: neither is run.
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            pass
    os._exit(code)


if __name__ == "__main__":
    main()
