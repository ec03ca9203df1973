"""Names as people give them - long, with emoji, in any script - as text that a chart can show."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from matplotlib import font_manager, rcParams
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

_MISSING_GLYPH = "▯"
_INVISIBLE = {0x200B, 0x200D, 0x2060, 0xFE0E, 0xFE0F, 0xFEFF}
_FALLBACK_FAMILIES = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Noto Sans KR",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
    "Noto Sans Thai",
    "Noto Sans Devanagari",
    "Noto Emoji",
    "Segoe UI Emoji",
    "Segoe UI Symbol",
)


def clip(name: str, width: int) -> str:
    """Shorten `name` to `width` columns at its end."""
    name = " ".join(name.split())
    if columns(name) <= width:
        return name
    return f"{opening(name, max(width - 1, 2)).rstrip()}…"


def columns(text: str) -> int:
    """Return how wide `text` is: a Chinese character takes two columns, an accent none."""
    return sum(_columns(character) for character in text)


def opening(text: str, width: int) -> str:
    """Return as much of the beginning as `width` columns hold."""
    return _take(text, width)


def ending(text: str, width: int) -> str:
    """Return as much of the end as `width` columns hold."""
    return _take(text[::-1], width)[::-1]


def put_names(texts: Iterable[Text]) -> None:
    """Make `texts` safe to draw: dollar signs stay dollar signs, and no glyph is missing from the font.

    Matplotlib warns of a missing glyph when the figure is drawn, long after our function has returned, so
    characters that no installed font has are replaced here.
    """
    for text in texts:
        text.set_parse_math(False)
        wanted = text.get_text()
        own, cut = text.get_fontfamily(), text.get_fontproperties()
        if _covered(wanted, _charset(tuple(own), cut)):
            continue
        families = (*own, *_fallbacks(wanted, tuple(own)))
        text.set_fontfamily(families)
        text.set_text(printable(wanted, _charset(families, cut)))


def legible(name: str) -> str:
    """Return `name` without what no installed font has: tick labels are written anew at each drawing."""
    own = tuple(rcParams["font.family"])
    return printable(name, _charset((*own, *_fallbacks(name, own))))


def printable(text: str, charset: frozenset[int]) -> str:
    """Replace what `charset` lacks: pictures are left out, letters become an empty box."""
    kept = []
    for character in text:
        if ord(character) in charset or character == "\n":
            kept.append(character)
        elif ord(character) not in _INVISIBLE and unicodedata.category(character)[0] in "LMN":
            kept.append(_MISSING_GLYPH)
        elif character.isspace():
            kept.append(" ")
    lines = [" ".join(line.split()) for line in "".join(kept).split("\n")]
    return "\n".join(lines) or _MISSING_GLYPH


def _take(text: str, width: int) -> str:
    used = 0
    for position, character in enumerate(text):
        used += _columns(character)
        if used > width:
            return text[:position]
    return text


def _columns(character: str) -> int:
    if unicodedata.combining(character) or ord(character) in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _covered(text: str, charset: frozenset[int]) -> bool:
    return all(ord(character) in charset or character == "\n" for character in text)


def _charset(families: tuple[str, ...], cut: FontProperties | None = None) -> frozenset[int]:
    """Return what Matplotlib can draw with `families`; it falls back from one to the next by character.

    The bold and the slanted file of a family may lack what the plain one has: `cut` says which is drawn.
    """
    files = []
    for family in families:
        wanted = FontProperties() if cut is None else cut.copy()
        wanted.set_family([family])
        files.append(font_manager.findfont(wanted))
    return frozenset().union(*map(_charset_of, files))


@lru_cache(maxsize=64)
def _charset_of(path: str) -> frozenset[int]:
    return frozenset(font_manager.get_font(path).get_charmap())


def _fallbacks(text: str, families: tuple[str, ...]) -> tuple[str, ...]:
    """Return installed families for the characters that `families` lack: known ones first, then any that has them."""
    lacking = frozenset(map(ord, text)) - _charset(families) - _INVISIBLE - {ord("\n")}
    lacking = frozenset(one for one in lacking if unicodedata.category(chr(one))[0] in "LMNPS")
    return _families_with(lacking, len(font_manager.fontManager.ttflist)) if lacking else ()


@lru_cache(maxsize=256)
def _families_with(lacking: frozenset[int], fonts: int) -> tuple[str, ...]:  # noqa: ARG001 - new fonts, new answer
    """Return the families that together have most of the characters; each is chosen for what is still lacking."""
    installed: dict[str, str] = {}
    for font in font_manager.fontManager.ttflist:
        plain = font.style == "normal" and str(font.weight) in {"400", "normal", "regular"}
        if plain or font.name not in installed:
            installed[font.name] = font.fname
    known = [name for name in _FALLBACK_FAMILIES if name in installed]
    chosen: list[str] = []
    for name in [*known, *sorted(set(installed) - set(known))]:
        if not lacking:
            break
        try:
            has = _charset_of(installed[name])
        except (OSError, RuntimeError):  # a font file that went away, or that FreeType cannot read
            continue
        if lacking & has and not name.startswith("Last Resort"):  # that one draws boxes for all there is
            chosen.append(name)
            lacking -= has
    return tuple(chosen)


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
    """Return whether a dot or a dash stands before or after a space."""
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
