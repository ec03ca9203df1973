"""Names as people give them - long, with emoji, in any script - as text that a chart can show."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from matplotlib import font_manager, rcParams
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
    """Shorten `name` to `width` columns in its middle: names of campaigns often differ only in their ends."""
    name = " ".join(name.split())
    if columns(name) <= width:
        return name
    room = max(width - 1, 2)
    tail = room * 2 // 5
    return f"{opening(name, room - tail).rstrip()}…{ending(name, tail).lstrip()}"


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
        own = text.get_fontfamily()
        if _covered(wanted, _charset(tuple(own))):
            continue
        families = (*own, *_fallbacks(wanted, tuple(own)))
        text.set_fontfamily(families)
        text.set_text(printable(wanted, _charset(families)))


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


def _charset(families: tuple[str, ...]) -> frozenset[int]:
    """Return what Matplotlib can draw with `families`; it falls back from one to the next by character."""
    properties = [font_manager.FontProperties(family=[family]) for family in families]
    return frozenset().union(*(_charset_of(font_manager.findfont(one)) for one in properties))


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
