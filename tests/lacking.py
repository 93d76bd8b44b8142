"""What a machine may lack. Its tests are skipped there, and fail in continuous integration, which
has no business to be green without them."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def lacking(what: str) -> NoReturn:
    """End this test: there is no `what`, which says how to get it."""
    if IN_CI:
        pytest.fail(f"NOT TESTED: {what}", pytrace=False)
    pytest.skip(f"NOT TESTED: {what}")
