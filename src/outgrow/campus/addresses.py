"""E-mail addresses: which are taken, and which of them are one mailbox."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from outgrow.errors import BadInput

LONGEST_EMAIL = 200
"""Characters: what the relation of users compares whole."""

_ENCODED_WORD = "=?"
"""How an encoded word of a header begins. The grammar of addresses allows it, and software that
reads headers may decode it into another address."""


_ROUTES = frozenset("%!/|")
"""What mail servers read as a way on: many send what is for `ada%other.example@school.example` to
`ada@other.example`, when whoever hands it in is trusted, as this network is."""


def valid_email(email: str) -> str:
    """Return the address as it is kept: ASCII, without quotes, comments, encoded words or routes.
    Raises BadInput."""
    email = email.strip()
    try:
        if len(email) > LONGEST_EMAIL or _ENCODED_WORD in email or _ROUTES & {*email}:
            raise EmailNotValidError(email)
        found = validate_email(
            email,
            allow_smtputf8=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            check_deliverability=False,
            test_environment=True,  # outgrow.test is a domain here
        )
    except EmailNotValidError as e:
        raise BadInput(
            "bad_email",
            "that is not an e-mail address",
            hint=f"write it as name@example.org, in ASCII, up to {LONGEST_EMAIL} characters, "
            "without % ! / and |",
        ) from e
    return found.ascii_email or email


def mailbox_of(email: str) -> str:
    """Return what all spellings of a mailbox share: `ada@x.edu` for `Ada+tag@x.edu`."""
    local, _, domain = email.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
