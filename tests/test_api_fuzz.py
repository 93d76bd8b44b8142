"""Every operation of the OpenAPI document, called by schemathesis with what the document allows
and with what it does not, on a served campus: no 5xx, and no answer that is not in the document."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from test_serve import served, sign_in

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
LONG = ("examples,coverage,fuzzing", 300)


@pytest.mark.parametrize(
    ("phases", "examples", "signed_in"),
    [
        ("examples,fuzzing", 3, True),
        ("examples", 1, False),
        pytest.param(*LONG, True, marks=pytest.mark.soak),
        pytest.param(*LONG, False, marks=pytest.mark.soak),
    ],
)
def test_the_document_says_all_that_is_answered(
    tmp_path: Path, phases: str, examples: int, signed_in: bool
) -> None:
    with served(tmp_path / "home", "--demo") as campus:
        headers = sign_in(campus.url) if signed_in else {}
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{campus.url}/openapi.json"),
                *(part for name in headers for part in ("--header", f"{name}: {headers[name]}")),
                *("--checks", ",".join(CHECKS), "--max-examples", str(examples), "--seed", "1"),
                *("--phases", phases, "--suppress-health-check", "all"),
                # Signing out would end what all the others are asked with.
                *("--continue-on-failure", "--no-color", "--exclude-path", "/auth/logout"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=3600,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
