"""What tests need of this machine, and what becomes of them where it is missing."""

from __future__ import annotations

import functools
import os
import shutil
from typing import NoReturn

import pytest

from fake_pve.guests import GuestFailed, image, probe, recipe


def must_run() -> bool:
    """Return whether everything has to run here."""
    return bool(os.environ.get("TESTS_MUST_RUN"))


def lacking(reason: str) -> NoReturn:
    """Leave a test out; with $TESTS_MUST_RUN, as in .ci/run, let it fail: nothing passes there without having run."""
    if must_run():
        pytest.fail(f"it cannot run: {reason}", pytrace=False)
    pytest.skip(reason)


@functools.cache
def why_no_guests() -> str:
    """Return why no simulated guest can be entered here and the command that helps, or nothing."""
    if shutil.which("ssh") is None:
        return "this machine lacks openssh-client; as root: apt-get install --yes openssh-client"
    try:
        if image.find("simulated") is None:
            image.build("simulated")
        return probe.why_not()
    except GuestFailed as problem:
        return problem.message


@functools.cache
def why_no_machines() -> str:
    """Return the same for virtual guests."""
    try:
        recipe.need_to_run("virtual")
        image.build("virtual")
    except GuestFailed as problem:
        return problem.message
    return ""
