"""The codebook: clusters are found, snapping is nearest, the seed decides, nothing is invented."""

import pytest
import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.nn.codebook import Codebook


def clustered(centres: int, each: int, spread: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    middle = 20.0 * torch.randn(centres, 32, generator=random, dtype=torch.float64)
    noise = torch.randn(centres, each, 32, generator=random, dtype=torch.float64)
    return middle, (middle[:, None] + spread * noise).flatten(0, 1)


def test_well_separated_clusters_are_found() -> None:
    middle, vectors = clustered(16, 60, 0.5)
    book = Codebook.learn(vectors, 16, seed=1)
    codes, snapped = book.snap(vectors)
    assert torch.bincount(codes, minlength=16).tolist() == [60] * 16
    assert (book.snap(middle)[1] - middle).norm(dim=-1).max() < 1.0
    assert (snapped - vectors).square().mean() < 0.3


def test_more_entries_snap_nearer() -> None:
    _, vectors = clustered(8, 100, 3.0)
    errors = [
        float((Codebook.learn(vectors, count).snap(vectors)[1] - vectors).square().mean())
        for count in (1, 8, 64, 256)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[3] < 0.8 * errors[1]


def test_a_snapped_vector_is_its_nearest_entry_and_stays() -> None:
    _, vectors = clustered(5, 50, 4.0)
    book = Codebook.learn(vectors, 12)
    codes, snapped = book.snap(vectors.float())
    distance = (vectors.float().double()[:, None] - book.entries).norm(dim=-1)
    assert torch.equal(codes, distance.argmin(-1))
    assert snapped.dtype == torch.float32
    assert torch.equal(book.snap(book.entries)[0], torch.arange(12))


def test_the_same_seed_learns_the_same_codebook() -> None:
    _, vectors = clustered(10, 40, 5.0)
    first, again, other = (Codebook.learn(vectors, 20, seed) for seed in (3, 3, 4))
    assert torch.equal(first.entries, again.entries)
    assert not torch.equal(first.entries, other.entries)


def test_few_vectors_become_the_codebook_themselves() -> None:
    vectors = torch.tensor([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])
    book = Codebook.learn(vectors)
    assert book.entries.shape == (2, 2)
    assert torch.equal(book.snap(vectors)[1], vectors)


@pytest.mark.parametrize(
    ("vectors", "entries"),
    [
        (torch.zeros(0, 4), 4),
        (torch.zeros(4), 4),
        (torch.zeros(4, 4), 0),
        (torch.ones(1, 1) / 0, 4),
    ],
)
def test_there_must_be_something_to_learn(vectors: Tensor, entries: int) -> None:
    with pytest.raises(ValueRangeError, match="legal"):
        Codebook.learn(vectors, entries)
