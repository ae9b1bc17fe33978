"""OSC patterns: `?`, `*`, `[a-z]`, `[!a-z]`, `{one,two}`; never exponential. Thread: any."""

import functools
import re
from collections.abc import Callable

from rtsynth.errors import ValueRangeError

__all__ = ["is_pattern", "matcher"]

SPECIAL = frozenset("?*[]{}")
MAX_LENGTH = 256
MAX_ALTERNATIVES = 64


def is_pattern(text: str) -> bool:
    """Whether the text holds a character that OSC reads as a pattern."""
    return not SPECIAL.isdisjoint(text)


@functools.lru_cache(maxsize=1024)
def matcher(pattern: str) -> Callable[[str], object]:
    """A function that is true for the texts which the pattern matches; `*` and `?` stop at `/`.

    Raises:
        ValueRangeError: malformed, too long or with too many alternatives.
    """
    if len(pattern) > MAX_LENGTH:
        raise ValueRangeError(f"pattern of {len(pattern)} characters; legal: at most {MAX_LENGTH}")
    alternatives = _expand(pattern)
    return re.compile("|".join(f"(?:{_translate(a)})" for a in alternatives)).fullmatch


def _expand(pattern: str) -> list[str]:
    """Every text without braces that the braces stand for."""
    begin = pattern.find("{")
    if begin < 0:
        if "}" in pattern:
            raise ValueRangeError(f"pattern {pattern[:80]!r} closes a brace that it never opened")
        return [pattern]
    end = pattern.find("}", begin)
    words = pattern[begin + 1 : end].split(",")
    if end < 0 or any("{" in word for word in words):
        raise ValueRangeError(f"pattern {pattern[:80]!r} has open or nested braces")
    tails = _expand(pattern[end + 1 :])
    if len(words) * len(tails) > MAX_ALTERNATIVES:
        raise ValueRangeError(f"pattern with more than {MAX_ALTERNATIVES} alternatives")
    return [pattern[:begin] + word + tail for word in words for tail in tails]


def _translate(glob: str) -> str:
    """A regular expression without backtracking into an earlier star."""
    segments = [_fixed(segment) for segment in _split_stars(glob)]
    if len(segments) == 1:
        return segments[0]
    first, *middle, last = segments
    # the earliest place of a fixed segment is always as good as any later one
    inner = "".join(f"(?>[^/]*?{segment})" for segment in middle if segment)
    return f"{first}{inner}[^/]*{last}"


def _split_stars(glob: str) -> list[str]:
    segments, inside = [""], False
    for character in glob:
        inside = character == "[" or (inside and character != "]")
        if character == "*" and not inside:
            segments.append("")
        else:
            segments[-1] += character
    return segments


def _fixed(segment: str) -> str:
    """A segment without stars: characters, `?` and sets, each matching one character."""
    text, index = "", 0
    while index < len(segment):
        character = segment[index]
        if character == "[":
            end = segment.find("]", index + 2)
            if end < 0:
                raise ValueRangeError(f"pattern {segment[:80]!r} has an open bracket")
            text += _set(segment[index + 1 : end])
            index = end
        else:
            text += "[^/]" if character == "?" else re.escape(character)
        index += 1
    return text


def _set(body: str) -> str:
    negated = body.startswith("!")
    characters = body[1:] if negated else body
    parts, index = "", 0
    while index < len(characters):
        if characters[index + 1 : index + 2] == "-" and index + 2 < len(characters):
            low, high = sorted((characters[index], characters[index + 2]))
            parts += f"{re.escape(low)}-{re.escape(high)}"
            index += 3
        else:
            parts += re.escape(characters[index])
            index += 1
    if not parts:
        raise ValueRangeError(f"pattern has an empty set [{body}]")
    return f"[^/{parts}]" if negated else f"[{parts}]"
