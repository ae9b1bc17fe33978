"""`python -m rtsynth.player`: the engine process. Thread: main."""

import os

from rtsynth.player.process import main

if __name__ == "__main__":
    # A driver's own clean-up at the end of a process may crash or hang: it is not run.
    os._exit(main())
