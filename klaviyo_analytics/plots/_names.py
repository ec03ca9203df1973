"""Many names in little room: what tells them apart is kept, what they share is shortened."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from klaviyo_analytics.plots._text import clip, columns, ending, opening

_STEP = 4  # columns more, if names that differ would look the same
_MOST = 60
_NEAR = 9  # rather lose so many letters than cut a word


def told_apart(names: Sequence[str], width: int, *, lines: int = 1) -> list[str]:
    """Write each name in `width` columns and as many lines; names that differ are never written alike.

    Campaigns are named in series: "Spring sale … – launch", "Spring sale … – resend". So of a name that is too
    long, those words stay whole that no other name has in their place.
    """
    clean = [" ".join(name.split()) for name in names]
    different = list(dict.fromkeys(clean))
    own = dict(zip(different, _own_parts(different), strict=True))
    for room in range(width, width + _MOST, _STEP):
        short = {name: _written(name, own[name], room, lines) for name in different}
        if len(set(short.values())) == len(different):
            break
    return [short[name] for name in clean]


def _written(name: str, own: tuple[int, int], width: int, lines: int) -> str:
    if columns(name) <= width:
        return name
    if lines > 1:
        for room in range(2 * width, width, -1):
            if broken := _broken(_shortened(name, own, room), width):
                return broken
    return _shortened(name, own, width)


def _broken(name: str, width: int) -> str | None:
    """Break a name at a dot or dash, or else where its two lines are most alike, if both fit."""
    halves = [
        (name[:at].rstrip(" ·"), name[at + 1 :].lstrip(" ·"), _pauses(name[at - 1 : at + 2]))
        for at, letter in enumerate(name)
        if letter == " "
    ]
    fitting = [both for both in halves if max(columns(both[0]), columns(both[1])) <= width]
    if not fitting:
        return None
    first, second, _ = min(fitting, key=lambda both: (not both[2], max(map(columns, both[:2]))))
    return f"{first}\n{second}"


def _pauses(around: str) -> bool:
    """Tell whether a dot or a dash stands before or after a space."""
    return any(mark in around for mark in ("·", " –", " —", " -", " |"))


def _shortened(name: str, own: tuple[int, int], width: int) -> str:
    """Shorten before and behind the part that is the name's own; if that is too long itself, in its middle."""
    start, end = own
    if columns(name) <= width:
        return name
    before, part, behind = name[:start], name[start:end], name[end:]
    room = width - columns(part)
    if not part or room < min(columns(before), 7) + min(columns(behind), 3):
        return clip(name, width)
    tail = behind if columns(behind) <= room // 3 else f"…{ending(behind, room // 3 - 1).lstrip()}"
    left = room - columns(tail)
    return f"{before if columns(before) <= left else _cut(before, left)}{part}{tail}"


def _cut(text: str, width: int) -> str:
    """Shorten the end of a text, at a word if one ends near."""
    kept = opening(text, width - 2)
    words, space, rest = kept.rpartition(" ")
    return f"{words if space and columns(rest) < _NEAR else kept.rstrip()}… "


def _own_parts(names: Sequence[str]) -> list[tuple[int, int]]:
    """Find where in each name the words begin and end that tell it from those most like it."""
    words = [name.split(" ") for name in names]
    front = _shared(words)
    back = _shared([own[::-1] for own in words])
    spans = []
    for own, first, last in zip(words, front, back, strict=True):
        begin, stop = min(first, len(own) - 1), len(own) - last
        if begin and not any(letter.isalnum() for letter in own[begin - 1]):
            begin -= 1  # a dash or a dot belongs to what it introduces
        start, end = len(" ".join(own[:begin])) + (begin > 0), len(" ".join(own[:stop]))
        spans.append((start, end) if start < end else (0, 0))
    return spans


def _shared(words: Sequence[list[str]]) -> list[int]:
    """Count how many first words each name shares with all of its series: names alike by half at least.

    In alphabetical order a series stands together, and no two of it share less than some neighbours do.
    """
    order = sorted(range(len(words)), key=lambda row: words[row])
    shared = [0] * len(words)
    series: list[int] = order[:1]
    least = 0
    for row, after in pairwise([*order, -1]):
        common = _common(words[row], words[after]) if after >= 0 else 0
        if common and 2 * common >= max(len(words[row]), len(words[after])):
            series.append(after)
            least = min(least or common, common)
            continue
        for one in series:
            shared[one] = least
        series, least = [after], 0
    return shared


def _common(left: list[str], right: list[str]) -> int:
    """Count the words that both begin with."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(left), len(right)))
