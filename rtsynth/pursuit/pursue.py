"""Pick by pick: the atom and shift that explain most in any phase. Thread: worker."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtsynth.dsp.pursuit import add_atom, correlate_here
from rtsynth.errors import ValueRangeError
from rtsynth.pursuit.atoms import Atoms, optimum
from rtsynth.pursuit.picks import Picks
from rtsynth.pursuit.refit import neighbours, refit
from rtsynth.pursuit.search import WIDEST_HOP, Search, make_search, safe_hop

__all__ = ["Pursuit", "pursue"]

NOTHING = 1e-13  # of the signal's energy: a gain below it is rounding
LOUDEST_DB, QUIETEST_DB = 0.0, -200.0


def pursue(
    signal: ArrayLike,
    atoms: Atoms,
    picks: int = 256,
    until_db: float = -60.0,
    refit_every: int = 8,
    hop: int | None = None,
) -> Picks:
    """The picks that explain a sound, the greatest first.

    Args:
        signal: [samples], one channel.
        atoms: the dictionary; each pick lies wholly within the signal.
        picks: at most so many.
        until_db: stop when what is left is so far below the signal, −200 … 0 dB.
        refit_every: fit all amplitudes near new picks by least squares each time there are so
            many; 0 never does.
        hop: look at every `hop`-th shift first, 1 … 8, then at each near the best; if None, the
            widest at which every atom is seen with 90 % of its gain.

    Returns:
        fewer picks than asked where nothing is left; none for silence and for a signal shorter
        than an atom.

    Raises:
        ValueRangeError: the signal has NaN, infinity or more than one axis, or a setting is
            illegal.
    """
    sound = _checked(signal)
    for name, value, low, high in (
        ("picks", picks, 0, 1_000_000),
        ("until_db", until_db, QUIETEST_DB, LOUDEST_DB),
        ("refit_every", refit_every, 0, 1_000_000),
        ("hop", 1 if hop is None else hop, 1, WIDEST_HOP),
    ):
        if not low <= value <= high:
            raise ValueRangeError(f"{name} = {value}; legal: {low:g} … {high:g}", field=name)
    peak = float(np.abs(sound).max(initial=0.0))
    if peak == 0.0 or len(sound) < atoms.length or picks == 0:
        return Picks.none()
    pursuit = Pursuit(sound / peak, atoms, safe_hop(atoms) if hop is None else hop)
    while len(pursuit) < picks and pursuit.energy > pursuit.first * 10.0 ** (until_db / 10.0):
        if not pursuit.step():
            break
        if refit_every and pursuit.fresh >= refit_every:
            pursuit.refit()
    if refit_every and pursuit.fresh:
        pursuit.refit()
    found = pursuit.picks()
    return Picks(found.atom, found.shift, found.amplitude * peak, found.gain * peak**2)


def _checked(signal: ArrayLike) -> NDArray[np.float64]:
    sound = np.ascontiguousarray(signal, float)
    if sound.ndim != 1:
        raise ValueRangeError(
            f"signal of shape {sound.shape}; legal: [samples], one channel", field="signal"
        )
    if not np.isfinite(sound).all():
        bad = int(np.flatnonzero(~np.isfinite(sound))[0])
        raise ValueRangeError(
            f"signal[{bad}] = {sound[bad]}; legal: finite samples", field="signal"
        )
    return sound


class Pursuit:
    """A pursuit under way.

    Args:
        signal: [samples], at least an atom long, about full scale.
        atoms: the dictionary.
        hop: first look at every `hop`-th shift only.
        search: makes what finds the next pick; chosen by size if None.
    """

    def __init__(
        self,
        signal: NDArray[np.float64],
        atoms: Atoms,
        hop: int = 1,
        search: Callable[[NDArray[np.float64], Atoms], Search] | None = None,
    ) -> None:
        self.residual = signal.copy()
        self._atoms, self._rho, self._hop = atoms, atoms.rho, hop
        self.first = self.energy = float(signal @ signal)
        make = search or (lambda residual, atoms: make_search(residual, atoms, hop))
        self.search = make(self.residual, atoms)
        self._index: dict[tuple[int, int], int] = {}
        self._amplitude: list[complex] = []
        self._gain: list[float] = []
        self._new: set[int] = set()

    def __len__(self) -> int:
        return len(self._amplitude)

    @property
    def fresh(self) -> int:
        """Picks since the last refit."""
        return len(self._new)

    def picks(self) -> Picks:
        """Everything picked so far."""
        if not self._index:
            return Picks.none()
        atom, shift = np.array(list(self._index), np.int64).T.copy()
        return Picks(atom, shift, np.array(self._amplitude), np.array(self._gain))

    def step(self) -> bool:
        """Pick once; False if nothing is left to gain."""
        atom, shift = self.search.best()
        shift, amplitude, gain = self._exact(atom, shift)
        if gain <= NOTHING * self.first:
            return False
        key = (atom, shift)
        if key in self._index:
            self._amplitude[self._index[key]] += amplitude
            self._gain[self._index[key]] += gain
        else:
            self._index[key] = len(self._amplitude)
            self._amplitude.append(amplitude)
            self._gain.append(gain)
        self._new.add(self._index[key])
        self.energy -= gain
        self._take(np.array([atom]), np.array([shift]), np.array([amplitude]))
        return True

    def refit(self) -> None:
        """All amplitudes near the newest picks by least squares."""
        found = self.picks()
        near = neighbours(found.shift, np.array(sorted(self._new)), self._atoms.length)
        self._new.clear()
        change = refit(self.residual, self._atoms, found.atom[near], found.shift[near])
        for i, step in zip(near, change, strict=True):
            self._amplitude[i] += complex(step)
        self._take(found.atom[near], found.shift[near], change)
        self.energy = float(self.residual @ self.residual)

    def _exact(self, atom: int, shift: int) -> tuple[int, complex, float]:
        wave, rho = self._atoms.waveform[atom], complex(self._rho[atom])
        last = len(self.residual) - self._atoms.length
        best = (shift, 0j, -1.0)
        for here in range(max(0, shift - self._hop + 1), min(last, shift + self._hop - 1) + 1):
            amplitude, gain = optimum(correlate_here(wave, self.residual, here), rho)
            if gain > best[2]:
                best = (here, amplitude, gain)
        return best

    def _take(
        self,
        atom: NDArray[np.int64],
        shift: NDArray[np.int64],
        amplitude: NDArray[np.complex128],
    ) -> None:
        for k, n, b in zip(atom, shift, amplitude, strict=True):
            add_atom(self.residual, self._atoms.waveform[k], n, -b)
        self.search.moved(atom, shift, amplitude)
