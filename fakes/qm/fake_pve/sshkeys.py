"""Public SSH keys, as `ssh-keygen -l` judges them."""

from __future__ import annotations

from fake_pve.errors import CommandFailed

# The key types and, where it is fixed, how many bytes their data has.
TYPES = {
    "ssh-ed25519": 51,
    "ssh-rsa": None,
    "ssh-dss": None,
    "ecdsa-sha2-nistp256": 104,
    "ecdsa-sha2-nistp384": 136,
    "ecdsa-sha2-nistp521": 172,
    "sk-ssh-ed25519@openssh.com": None,
    "sk-ecdsa-sha2-nistp256@openssh.com": None,
}


def check(text: str) -> None:
    """Refuse a list of keys, one a line, with a line that is none (the wording is pct-create's recording)."""
    if not all(is_key(line) for line in text.split("\n") if line.strip()):
        raise CommandFailed("SSH public key validation error")


def is_key(line: str) -> bool:
    """A line of authorized_keys: perhaps options, a type, the data in base 64, perhaps a comment."""
    words = line.split()
    return any(word in TYPES and is_data(word, words[at + 1]) for at, word in enumerate(words[:-1]))


def is_data(type_: str, data: str) -> bool:
    """Whether the data starts with the type's own name, as it must."""
    from binascii import Error, a2b_base64  # few calls give keys

    try:
        raw = a2b_base64(data, strict_mode=True)
    except Error:
        return False
    name = type_.encode()
    size = TYPES[type_]
    return raw.startswith(len(name).to_bytes(4, "big") + name) and size in (None, len(raw))
