"""Which texts look like secrets, and which do not."""

from __future__ import annotations

import pytest

from outgrow.inspection.formats import kind_of_secret

BCRYPT = "$2b$12$" + "abcdefghijklmnopqrstuv0123456789ABCDEFGHIJKLMNOPQRSTU"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9"


@pytest.mark.parametrize(
    ("field", "text", "kind"),
    [
        ("password", "hunter2", "password"),
        ("auth.passwd", "correct horse battery", "password"),
        ("userPassword", "hunter2", "password"),
        ("settings.apiKey", "f81d4fae7dec", "API key"),
        ("API_KEY", "f81d4fae7dec", "API key"),
        ("credentials.clientSecret", "abc-def-1234", "secret"),
        ("accessToken", "0f8fad5b-d9cb-469f", "token"),
        ("tokens[]", "0f8fad5b-d9cb-469f", "token"),
        ("otp", "493021", "code"),
        ("note", "-----BEGIN RSA PRIVATE KEY-----\nMII", "private key"),
        ("note", "-----BEGIN PRIVATE KEY-----\nMII", "private key"),
        ("hash", BCRYPT, "password hash"),
        ("h", "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$hash", "password hash"),
        ("", JWT, "JSON web token"),
        ("value", "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "Stripe key"),
        ("id", "AKIA" + "IOSFODNN7EXAMPLE", "AWS key"),
        ("x", "ghp_" + "a1B2" * 9, "GitHub token"),
        ("bot", "xoxb-" + "1234567890-abcdefghij", "Slack token"),
        ("x", "AIza" + "SyA1234567890abcdefghijklmnopqrstuv", "Google key"),
        ("db", "postgres://app:s3cret@db.example/app", "URL with a password"),
        ("blob", "q8ZkP2vYx7LmN4tRw9Bc3FgH6jKs1DdEoU5aViXy", "random text"),
        ("sha", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "random text"),
    ],
)
def test_secrets_are_seen(field: str, text: str, kind: str) -> None:
    assert kind_of_secret(field, text) == kind


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("password", ""),
        ("password", "********"),
        ("hasPassword", "true"),
        ("passwordHint", "the first pet"),
        ("tokenExpiresAt", "2026-01-01T00:00:00.000Z"),
        ("tokenType", "Bearer-1"),
        ("token", "a sentence about 1 token"),
        ("tokens", "1200"),
        ("secretary", "Ada Lovelace the 1st"),
        ("pinned", "message-17"),
        ("keyboard", "qwertz-105-keys"),
        ("publicKey", "f81d4fae7dec11"),
        ("id", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        ("id", "evt_1700000000000_a8f3k2l9x"),
        ("url", "https://example.org/a/b/c?d=Ef12345678901234567890"),
        ("bio", "I like long walks and 19th century novels"),
        ("name", "Donaudampfschifffahrtsgesellschaftskapitaen"),
        ("slug", "how-to-grow-out-of-a-key-value-store-in-2026"),
        ("file", "campus_photos_2026_Winter_Term_Final_Version_2"),
        ("key", "user:1:connections"),
    ],
)
def test_what_is_no_secret_is_left_alone(field: str, text: str) -> None:
    assert kind_of_secret(field, text) is None


@pytest.mark.parametrize("text", ["", " ", "\0", "é" * 40, "🙂" * 40, "=" * 40, "a" * 100_000])
def test_it_answers_for_every_text(text: str) -> None:
    assert kind_of_secret("", text) is None
    assert kind_of_secret("[]..{}", text) is None
