"""The tree drawn in the docstring is the tree of classes."""

import inspect
import re

import pytest

from rtsynth import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]


def test_the_tree_in_the_docstring_is_that_of_the_classes() -> None:
    drawn: dict[str, tuple[str, str]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^([ │├└─]*)([A-Z]\w+Error) +(.+)$", line)
        if found:
            depth = (len(found[1]) - 4) // 4
            path[depth:] = [found[2]]
            drawn[found[2]] = (path[depth - 1] if depth else "Exception", found[3])
    assert set(drawn) == set(errors.__all__)
    for name, (parent, sentence) in drawn.items():
        error = getattr(errors, name)
        assert error.__base__.__name__ == parent
        if parent != "Exception":
            said = (inspect.getdoc(error) or "").rstrip(".").lower()
            assert said == sentence.lower()


def test_every_error_is_listed_and_sorted() -> None:
    found = [
        n
        for n, c in vars(errors).items()
        if inspect.isclass(c) and c.__module__ == "rtsynth.errors"
    ]
    assert sorted(found) == errors.__all__


def test_codes_on_the_wire_are_unique() -> None:
    codes = [error.code for error in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


@pytest.mark.parametrize("error", CLASSES)
def test_an_error_carries_its_message_and_field(error: type[errors.RtsynthError]) -> None:
    raised = error("too loud", field="gain")
    assert str(raised) == "too loud"
    assert raised.field == "gain"
    assert error("x").field is None
    assert isinstance(raised, errors.RtsynthError)
