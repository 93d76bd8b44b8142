"""Every error Outgrow raises on purpose.

::

    OutgrowError                 code, message, detail, hint; HTTP status; exit code
    ├── BadInput                 400  exit 2  a value, flag or body that cannot be used
    │   └── BadCursor            400          a cursor this list did not give
    ├── NotSignedIn              401  exit 1  no token, or one that is not valid (any more)
    ├── Forbidden                403  exit 3  signed in, but not allowed
    ├── NotFound                 404  exit 1  nothing there (or nothing the caller may see)
    ├── NotAllowed               405  exit 1  a path that does not know the method
    ├── Conflict                 409  exit 3  the state does not allow it
    ├── TooLarge                 413  exit 2  a body over the limit
    ├── NotJson                  415  exit 2  a body that does not say that it is JSON
    ├── TooMany                  429  exit 1  too often in too short a time
    ├── Busy                     503  exit 1  retried, and still in conflict with others
    ├── Unavailable              503  exit 1  the database cannot be reached
    ├── ServerFailed             500  exit 1  the embedded server cannot be made or started
    ├── Refused                  409  exit 3  a growth or an install that must not go on
    │   └── RowsHidden           500  exit 3  row-level security shows less than everything
    ├── GrowthFailed             500  exit 1  a growth that stopped on the way; it can be run again
    └── Damaged                  500  exit 1  stored data that Outgrow itself should have kept whole

`message` says the fact in one sentence. `detail` says what exactly was seen, or is None.
`hint` is the next thing to type or do, or is None. `code` is stable, lower_snake_case, and
described in docs/errors.md.
"""

from __future__ import annotations

from typing import ClassVar


class OutgrowError(Exception):
    """The root. `status` is for HTTP, `exit_code` for the CLI: 1 failed, 2 usage, 3 refused."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(
        self, code: str, message: str, *, detail: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail
        self.hint = hint

    def as_dict(self) -> dict[str, str | None]:
        return {
            "code": self.code,
            "message": self.message,
            "detail": self.detail,
            "hint": self.hint,
        }


class BadInput(OutgrowError):
    status = 400
    exit_code = 2


class BadCursor(BadInput):
    pass


class NotSignedIn(OutgrowError):
    status = 401


class Forbidden(OutgrowError):
    status = 403
    exit_code = 3


class NotFound(OutgrowError):
    status = 404


class NotAllowed(OutgrowError):
    status = 405


class Conflict(OutgrowError):
    status = 409
    exit_code = 3


class TooLarge(OutgrowError):
    status = 413
    exit_code = 2


class NotJson(OutgrowError):
    status = 415
    exit_code = 2


class TooMany(OutgrowError):
    """`retry_after` is in whole seconds."""

    status = 429

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retry_after: int,
        detail: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(code, message, detail=detail, hint=hint)
        self.retry_after = retry_after


class Busy(OutgrowError):
    status = 503


class Unavailable(OutgrowError):
    status = 503


class ServerFailed(OutgrowError):
    pass


class Refused(OutgrowError):
    status = 409
    exit_code = 3


class RowsHidden(Refused):
    status = 500


class GrowthFailed(OutgrowError):
    pass


class Damaged(OutgrowError):
    pass
