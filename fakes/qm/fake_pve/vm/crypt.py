"""The `$5$` password hash, as the C library's crypt makes it.

Written from the published description, https://www.akkadia.org/drepper/SHA-crypt.txt; Python 3.13 has no module for it.
"""

from __future__ import annotations

import hashlib

LETTERS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ROUNDS = 5000


def sha256_crypt(password: str, salt: str) -> str:
    """`$5$<salt>$<hash>` with the default number of rounds."""
    key, seed = password.encode("utf-8", "surrogateescape"), salt.encode()
    digest = _start(key, seed)
    long_key = _stretched(hashlib.sha256(key * len(key)).digest(), len(key))
    long_seed = _stretched(hashlib.sha256(seed * (16 + digest[0])).digest(), len(seed))
    for number in range(ROUNDS):
        digest = _round(number, digest, long_key, long_seed)
    return f"$5${salt}${_encoded(digest)}"


def _start(key: bytes, seed: bytes) -> bytes:
    inner = hashlib.sha256(key + seed + key).digest()
    text = key + seed + _stretched(inner, len(key))
    bits = len(key)
    while bits:
        text += inner if bits & 1 else key
        bits >>= 1
    return hashlib.sha256(text).digest()


def _stretched(digest: bytes, length: int) -> bytes:
    return (digest * (length // 32 + 1))[:length]


def _round(number: int, digest: bytes, key: bytes, seed: bytes) -> bytes:
    parts = [key if number & 1 else digest]
    if number % 3:
        parts.append(seed)
    if number % 7:
        parts.append(key)
    parts.append(digest if number & 1 else key)
    return hashlib.sha256(b"".join(parts)).digest()


def _encoded(digest: bytes) -> str:
    """The description's own base 64: three bytes a group, in its order."""
    text = ""
    for step in range(10):
        first, second, third = ((0, 10, 20), (21, 1, 11), (12, 22, 2))[step % 3]
        shift = step // 3 * 3
        text += _letters(digest[first + shift], digest[second + shift], digest[third + shift], 4)
    return text + _letters(0, digest[31], digest[30], 3)


def _letters(high: int, middle: int, low: int, count: int) -> str:
    value = high << 16 | middle << 8 | low
    return "".join(LETTERS[value >> (6 * index) & 63] for index in range(count))
