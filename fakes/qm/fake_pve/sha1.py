"""SHA-1 without `hashlib`, whose import loads OpenSSL and costs more than a whole read of the fake."""

from __future__ import annotations


def sha1_hex(data: bytes) -> str:
    """The digest of `data`, 40 hexadecimal digits."""
    try:
        module = __import__("_sha1")
    except ImportError:  # a Python built without it
        module = __import__("hashlib")
    return str(module.sha1(data, usedforsecurity=False).hexdigest())
