"""Every feature file of this folder, as tests."""

from __future__ import annotations

from pytest_bdd import scenarios

scenarios(".")
