"""Identifiers that look like the ones Klaviyo gives, repeatable and without collisions."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.shop.columns import Ints

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_ALPHABETS = {
    len(letters): np.frombuffer(letters.encode("ascii"), dtype=np.uint8) for letters in (BASE62, CROCKFORD)
}


def scramble(numbers: npt.NDArray[np.uint64], salt: int) -> npt.NDArray[np.uint64]:
    """Mix the bits of each number; different numbers stay different, so ids made of them never collide."""
    with np.errstate(over="ignore"):
        mixed = numbers + np.uint64(salt % 2**63) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def _digits(numbers: npt.NDArray[np.uint64], base: int, width: int) -> npt.NDArray[np.uint8]:
    powers = np.array([base**place for place in range(width - 1, -1, -1)], dtype=np.uint64)
    places = (numbers[:, None] // powers) % np.uint64(base)
    return _ALPHABETS[base][places.astype(np.intp)]


def _texts(letters: npt.NDArray[np.uint8]) -> list[str]:
    width = letters.shape[1]
    return np.ascontiguousarray(letters).view(f"S{width}").ravel().astype(f"U{width}").tolist()


def event_ids(count: int, salt: int) -> list[str]:
    """Eleven letters and digits each, as events have."""
    return _texts(_digits(scramble(np.arange(count, dtype=np.uint64), salt), 62, 11))


def ulids(seconds: Ints, salt: int) -> list[str]:
    """Sortable 26-character ids that begin with their time, as profiles have."""
    count = len(seconds)
    number = np.arange(count, dtype=np.uint64)
    when = _digits((seconds * 1000).astype(np.uint64), 32, 10)
    head = _digits(scramble(number, salt), 32, 12)
    tail = _digits(scramble(number, salt + 1), 32, 4)
    return _texts(np.hstack([when, head, tail]))


class Names:
    """Ids by name: the same seed and name always give the same id, in whatever order they are asked for."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def number(self, *name: object) -> int:
        """Return a 64-bit number for a name."""
        text = "\x1f".join(str(part) for part in (self.seed, *name))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")

    def short(self, *name: object) -> str:
        """Six letters and digits, as lists, metrics and flows have."""
        return spell(self.number(*name), BASE62, 6)

    def ulid(self, seconds: int, *name: object) -> str:
        """Return a 26-character id with its time in front, as campaigns have."""
        rest = spell(self.number(*name), CROCKFORD, 12) + spell(self.number("tail", *name), CROCKFORD, 4)
        return spell(seconds * 1000, CROCKFORD, 10) + rest

    def digits(self, *name: object) -> str:
        """Eight digits, as flow actions and images have."""
        return str(10_000_000 + self.number(*name) % 90_000_000)

    def uuid(self, *name: object) -> str:
        """Return a hexadecimal id with dashes, as tags have."""
        text = f"{self.number(*name):016x}{self.number('tail', *name):016x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def spell(number: int, alphabet: str, width: int) -> str:
    """Write a number with the letters of an alphabet."""
    letters = []
    for _ in range(width):
        number, place = divmod(number, len(alphabet))
        letters.append(alphabet[place])
    return "".join(reversed(letters))
