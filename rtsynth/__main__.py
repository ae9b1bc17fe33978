"""`rtsynth`, and `python -m rtsynth`. Thread: main."""

import sys

from rtsynth.cli import run

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
