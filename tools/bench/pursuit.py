"""Picks per second of complex matching pursuit, beside plain NumPy, in one run.

    python tools/bench/pursuit.py

The sound is planted: 64 windowed complex exponentials per second in random phases, 60 dB above
noise; the atoms are 512 of 1024 samples at 22 050 Hz. Real time here means 64 picks per second of
audio. The peers pick without refit: one correlates the whole residual again for every pick, the
other keeps all correlations and updates them near the pick. Times are the thread's own, so that a
busy machine counts less; start-up of each is in its time.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.pursuit import Atoms, Picks, pursue, render
from rtsynth.pursuit.pursue import Pursuit
from rtsynth.pursuit.search import FromResidual, Search
from rtsynth.pursuit.through_gram import ThroughGram

RATE, PER_SECOND = 22_050, 64

Float = NDArray[np.float64]


def windowed(count: int, length: int) -> Atoms:
    """Hann-windowed complex exponentials from 60 Hz to 9 kHz."""
    turns = np.outer(np.geomspace(60.0, 9_000.0, count), np.arange(length)) / RATE
    return Atoms(np.exp(2j * np.pi * turns) * np.hanning(length))


def planted(atoms: Atoms, seconds: float) -> Float:
    """[samples] 64 picks per second and a little noise."""
    rng = np.random.default_rng(0)
    samples, count = round(seconds * RATE), round(seconds * PER_SECOND)
    amplitude = np.exp(2j * np.pi * rng.random(count)) * rng.uniform(0.1, 1.0, count)
    shift = rng.integers(0, samples - atoms.length, count)
    picks = Picks(rng.integers(0, len(atoms), count), shift, amplitude, np.zeros(count))
    sound = render(picks, atoms, samples)
    return sound + 1e-3 * float(np.sqrt(np.mean(sound**2))) * rng.standard_normal(samples)


def correlate_all(residual: Float, atoms: Atoms) -> NDArray[np.complex64]:
    """[atoms, shifts] by NumPy's FFT."""
    size = 1 << (len(residual) + atoms.length - 1).bit_length()
    spectrum = np.fft.fft(residual.astype(np.float32), size)
    waves = atoms.waveform.astype(np.complex64)
    found = [np.fft.ifft(spectrum * np.fft.fft(wave, size).conj()) for wave in waves]
    count = len(residual) - atoms.length + 1
    return np.array([row[:count] for row in found], np.complex64)


def plain(sound: Float, atoms: Atoms, picks: int, local: bool) -> Float:
    """[samples] what matching pursuit in NumPy leaves; windowed atoms have ρ ≈ 0, so b = C."""
    residual, length = sound.copy(), atoms.length
    table = correlate_all(residual, atoms)
    spectra = np.fft.fft(atoms.waveform.astype(np.complex64), 4 * length, axis=1).conj()
    for _ in range(picks):
        place = int(np.argmax(table.real**2 + table.imag**2))
        atom, shift = divmod(place, table.shape[1])
        taken = 2.0 * (table[atom, shift] * atoms.waveform[atom]).real
        residual[shift : shift + length] -= taken
        if local:
            padded = np.fft.fft(taken.astype(np.float32), 4 * length)
            change = np.roll(np.fft.ifft(spectra * padded, axis=1), length - 1, axis=1)
            low, high = max(0, shift - length + 1), min(table.shape[1], shift + length)
            skip = low - (shift - length + 1)
            table[:, low:high] -= change[:, skip : skip + high - low].astype(np.complex64)
        else:
            table = correlate_all(residual, atoms)
    return residual


def compiled(sound: Float, atoms: Atoms, picks: int, refit_every: int, hop: int | None) -> Float:
    """[samples] what `pursue` leaves."""
    found = pursue(sound, atoms, picks, -200.0, refit_every, hop)
    return sound - render(found, atoms, len(sound))


def through(
    search: Callable[[Float, Atoms], Search], sound: Float, atoms: Atoms, picks: int
) -> Float:
    """[samples] what one of the two searches leaves at every shift, without refit."""
    pursuit = Pursuit(sound, atoms, search=search)
    for _ in range(picks):
        pursuit.step()
    return pursuit.residual


def line(name: str, sound: Float, picks: int, run: Callable[[], Float]) -> None:
    """Run it once and print its row."""
    began = time.thread_time()
    left = run()
    spent = time.thread_time() - began
    level = 10.0 * np.log10(float(left @ left) / float(sound @ sound))
    rate = picks / spent
    print(f"| {name} | {picks} | {rate:.1f} | {rate / PER_SECOND:.2f} | {level:.2f} |", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--atoms", type=int, default=512)
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--peer-picks", type=int, default=8)
    args = parser.parse_args()
    atoms = windowed(args.atoms, args.length)
    sound = planted(atoms, args.seconds)
    picks = round(args.seconds * PER_SECOND)
    head = "| way | picks | picks/s | × real time | left, dB |\n| --- | --- | --- | --- | --- |"
    print(f"{args.atoms} atoms × {args.length}, {args.seconds:g} s at {RATE} Hz\n\n{head}")
    few = args.peer_picks
    line("NumPy, everything again", sound, few, lambda: plain(sound, atoms, few, False))
    line("NumPy, near the pick", sound, picks, lambda: plain(sound, atoms, picks, True))
    for hop in (1, None):
        for refit in (0, 8):
            name = f"pursue, {'every shift' if hop else 'hop'}{', refit' if refit else ''}"
            line(name, sound, picks, lambda h=hop, r=refit: compiled(sound, atoms, picks, r, h))  # type: ignore[misc]
    small = windowed(32, 256)
    short = planted(small, 2.0)
    print(f"\n32 atoms × 256, 2 s: keeping all correlations, or none\n\n{head}")
    line("cross-Gram", short, 512, lambda: through(ThroughGram, short, small, 512))
    line("from the residual", short, 512, lambda: through(FromResidual, short, small, 512))


if __name__ == "__main__":
    main()
