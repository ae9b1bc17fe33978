"""The grammar of the command line. Thread: main."""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from rtsynth import __version__
from rtsynth.errors import UsageError
from rtsynth.presets import INSTRUMENTS

__all__ = ["make_parser"]


class _Parser(argparse.ArgumentParser):
    """An argument parser whose error is one line, like every other error here."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def _number(minimum: float, maximum: float, kind: type = float) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not minimum <= value <= maximum:
            raise argparse.ArgumentTypeError(f"{text!r}; legal: {minimum:g} … {maximum:g}")
        return value

    return convert


def _cores(text: str) -> int | None:
    """As many as that, or None for as many as suit the machine."""
    return None if text == "auto" else _number(1, 16, int)(text)


SECONDS = _number(0.0, 360_000.0)
PORT = _number(0, 65_535, int)
BLOCK = _number(1, 1 << 20, int)
LIVE_BLOCK = _number(16, 8_192, int)
RATE = _number(8_000, 192_000, int)
DECOMPOSE_STEPS = ("onsets", "takes", "groups", "draft", "fit", "prune", "rest")
"""Those of `rtsynth.decompose.steps`, which is not imported to say no more than their names."""
A_SCORE = f"a file, or a shipped one: {', '.join(INSTRUMENTS)}"


def make_parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    parser = _Parser(
        prog="rtsynth",
        description="Takes sound apart into events and lets a musician play them.",
    )
    parser.add_argument("--version", action="version", version=f"rtsynth {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more on standard error")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, function: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        added.set_defaults(command=function)
        return added

    _decompose(command("decompose", "score.decompose", "take a recording apart into a score"))
    _fit(command("fit", "fit.fit", "train a score's instrument on its recording"))
    _bake(command("bake", "fit.bake", "make score and instrument of a training checkpoint"))
    _render(command("render", "score.render", "render a score into a sound file"))
    _serve(command("serve", "live.serve", "play on a device, answer OSC and ZeroMQ"))
    _play(command("play", "live.play", "play a score once, answering OSC and ZeroMQ"))
    _inspect(command("inspect", "score.inspect", "show what a score holds"))
    _compare(command("compare", "score.compare", "measure how far one sound is from another"))
    _top(command("top", "top.top", "watch a running rtsynth: load, latency, voices, xruns, late"))
    _devices(command("devices", "live.devices", "list the audio devices"))
    _demo(command("demo", "demo.demo", "decompose a shipped recording and perform on it"))
    return parser


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object on standard output"
    )


def _decompose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", metavar="IN", help="WAV, FLAC, OGG, AIFF or MP3 file")
    parser.add_argument(
        "-o", "--output", metavar="SCORE", help="score to write (IN.score.safetensors)"
    )
    parser.add_argument(
        "--recipe",
        metavar="YAML",
        default="fast",
        help="a file, or fast, quality or gpu (fast)",
    )
    parser.add_argument(
        "--work", metavar="FOLDER", help="keep every step's result here; go on from what is there"
    )
    parser.add_argument(
        "--notes",
        metavar="MIDI",
        help="a MIDI file of all keys that are struck; else they are sought in the sound",
    )
    parser.add_argument(
        "--until",
        metavar="STEP",
        choices=DECOMPOSE_STEPS,
        help=f"stop after a step of the first segment: {', '.join(DECOMPOSE_STEPS)}",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=_number(1, 64, int),
        default=2,
        help="threads at once (2); the events do not depend on it",
    )
    parser.add_argument("--png", metavar="PNG", help="also draw what was found")
    whole = parser.add_mutually_exclusive_group()
    whole.add_argument(
        "--texture", action="store_true", help="one texture event for the whole recording"
    )
    whole.add_argument(
        "--sustained", action="store_true", help="it is one note: make it one event (needs torch)"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    _json(parser)


def _fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scores", metavar="SCORE", nargs="+", help="from `rtsynth decompose`")
    parser.add_argument(
        "--recording", metavar="IN", action="append", default=[],
        help="of each score in turn; found by itself if beside the score",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="SCORE",
        help="score to write (NAME.fitted.score.safetensors); a folder for several",
    )  # fmt: skip
    parser.add_argument(
        "--experiment",
        metavar="YAML",
        default="quick",
        help="a file, or quick, field or full (quick)",
    )
    parser.add_argument("--steps", metavar="N", type=_number(1, 10_000_000, int))
    parser.add_argument("--seed", metavar="N", type=_number(0, 2**31 - 1, int))
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--checkpoint", metavar="FILE", help="write checkpoints here")
    parser.add_argument("--resume", metavar="FILE", help="go on from a checkpoint")
    parser.add_argument("--log", metavar="LOG.jsonl", help="append a line per step")
    _codebook(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    _json(parser)


def _bake(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("-o", "--output", metavar="SCORE", required=True)
    _codebook(parser)
    _json(parser)


def _codebook(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--codebook", metavar="N", type=_number(2, 65_536, int),
        help="snap the events' vectors to at most so many entries",
    )  # fmt: skip


def _render(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("score", metavar="SCORE", help=A_SCORE)
    parser.add_argument("-o", "--output", metavar="OUT.wav", required=True)
    parser.add_argument("--from", dest="from_s", metavar="S", type=SECONDS, default=0.0)
    parser.add_argument("--to", dest="to_s", metavar="S", type=SECONDS)
    parser.add_argument("--block-size", metavar="N", type=BLOCK, default=1_024)
    parser.add_argument("--sample-rate", metavar="HZ", type=RATE, help="the score's")
    parser.add_argument("--channels", metavar="N", type=_number(1, 2, int), help="the score's")
    parser.add_argument(
        "--commands", metavar="LOG.jsonl", help="replay a performance log on the score instead"
    )
    parser.add_argument(
        "--input", metavar="IN.wav", help="what came in during that, if not the file beside it"
    )
    fewer = parser.add_mutually_exclusive_group()
    fewer.add_argument(
        "--events", metavar="N", type=_number(0, 4_000_000, int),
        help="only the N most important events",
    )  # fmt: skip
    fewer.add_argument(
        "--share", metavar="X", type=_number(0.0, 1.0),
        help="only the most important events, so large a share of all",
    )  # fmt: skip
    _json(parser)


def _live(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", metavar="NAME", help="a device's name or 'null'")
    parser.add_argument("--osc-port", metavar="P", type=PORT, default=57_140)
    parser.add_argument(
        "--zmq-port", metavar="P", type=PORT, default=57_141, help="first of three TCP ports"
    )
    parser.add_argument("--block-size", metavar="N", type=LIVE_BLOCK, default=256)
    parser.add_argument(
        "--sample-rate", metavar="HZ", type=RATE, help="the device's, or the score's"
    )
    parser.add_argument("--record", metavar="OUT.wav", help="record what is played")
    parser.add_argument("--log", metavar="LOG.jsonl", help="write the performance log")
    parser.add_argument(
        "--asap",
        action="store_true",
        help="play untagged messages as soon as possible instead of at a constant latency",
    )
    parser.add_argument(
        "--late", choices=("play", "drop", "clip"), default="play",
        help="what becomes of a time tag that has passed: played at once, left out, or played "
        "like an untagged message (play)",
    )  # fmt: skip
    parser.add_argument(
        "--too-far", metavar="S", type=_number(0.0, 86_400.0), default=30.0,
        help="refuse time tags further ahead (30)",
    )  # fmt: skip
    parser.add_argument(
        "--margin", metavar="N", type=_number(32, 8_000, int), default=64,
        help="frames a message has to be read and handed over; part of the latency (64)",
    )  # fmt: skip
    parser.add_argument("--input", metavar="NAME", help="a device to hear, by name or index")
    parser.add_argument(
        "--monitor", metavar="DB", type=_number(-60.0, 12.0), help="play the input at this level"
    )
    parser.add_argument(
        "--separate", action="store_true",
        help="the input cannot hear the output (headphones, a line): monitoring is safe",
    )  # fmt: skip
    parser.add_argument(
        "--allow-feedback", action="store_true", help="monitor though the input may hear the output"
    )
    parser.add_argument(
        "--renderer", choices=("curves", "grains", "auto"), default="curves",
        help="who renders: the engine, torch in grains, or grains if there is a CUDA device",
    )  # fmt: skip
    parser.add_argument(
        "--cores", metavar="N", type=_cores,
        help="processor cores that voices are shared among where one is not enough: 1 … 16, or "
        "auto, every physical core up to four (auto)",
    )  # fmt: skip
    parser.add_argument("--seconds", metavar="S", type=SECONDS, help="stop after so much sound")
    parser.add_argument(
        "--single-process",
        action="store_true",
        help="keep the engine in this process; a lost device then stays lost",
    )


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "score", metavar="SCORE", nargs="?", default="piano", help=f"{A_SCORE} (piano)"
    )
    _live(parser)


def _play(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("score", metavar="SCORE", help=A_SCORE)
    _live(parser)


def _inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("score", metavar="SCORE", help=A_SCORE)
    parser.add_argument("--png", metavar="PNG", help="draw it")
    parser.add_argument(
        "--reference", metavar="IN", help="the recording; found by itself if beside the score"
    )
    parser.add_argument(
        "--importance",
        action="store_true",
        help="also rank the events by what would be missing without them",
    )
    _json(parser)


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reference", metavar="REF")
    parser.add_argument("estimate", metavar="EST")
    parser.add_argument("--score", metavar="SCORE", help="also say what its events cost")
    parser.add_argument(
        "--truth", metavar="JSON", help="what was played: also say how well the score holds it"
    )
    _json(parser)


def _devices(parser: argparse.ArgumentParser) -> None:
    _json(parser)


def _top(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--zmq-port", metavar="P", type=PORT, default=57_141, help="first port of the running one"
    )
    parser.add_argument("--once", action="store_true", help="show it once and end")
    parser.add_argument(
        "--every", metavar="S", type=_number(0.05, 60.0), default=0.25, help="between two looks"
    )
    _json(parser)


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", metavar="S", type=_number(4.0, 60.0), default=9.0)
    parser.add_argument("--out", metavar="DIR", default="demo-out")
    parser.add_argument("--device", metavar="NAME", help="a device's name or 'null'")
