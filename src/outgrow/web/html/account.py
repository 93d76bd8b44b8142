"""Pages: codes from a mailbox, passwords and sessions."""

from __future__ import annotations

from typing import Any

from outgrow.campus.limits import CODE_TRIES, CODES, EXPORTS, PASSWORDS
from outgrow.campus.pagination import decoded
from outgrow.errors import BadInput, OutgrowError
from outgrow.web.html.page import Page, PageRequest, to
from outgrow.web.http.response import Response
from outgrow.web.http.routing import Access


async def code_form(request: PageRequest) -> Response:
    email = request.query.text("email")
    return request.page("code.html", purpose="verify", email=email, sign_up="")


async def verify(request: PageRequest) -> Response:
    """Complete a sign-up that waits for its code."""
    form = request.form
    try:
        await request.count(CODE_TRIES)
        signed_in = await request.services.confirmations.verify(
            form.text("email"),
            form.text("code"),
            form.raw("password"),
            form.text("sign_up") or None,
            device=request.device,
        )
    except OutgrowError as e:
        values: dict[str, Any] = {"email": form.text("email"), "sign_up": form.text("sign_up")}
        return request.page("code.html", error=e, purpose="verify", **values)
    request.services.changed(signed_in.school or "")
    own = decoded(await request.services.profiles.own(signed_in.user_id))
    done = "claimed" if own["bio"] or own["interests"] else "welcome"
    return await request.signed_in(
        await request.services.browser_sessions.open(signed_in), f"/?done={done}"
    )


async def invited_form(request: PageRequest) -> Response:
    """Where the mail of an invitation leads."""
    return request.page("code.html", purpose="invited", email="")


async def forgot_form(request: PageRequest) -> Response:
    return request.page("forgot.html")


async def forgot(request: PageRequest) -> Response:
    """Send a code, or say so: whether there is an account is nobody's business."""
    try:
        await request.count(CODES)
        await request.services.confirmations.reset(request.form.text("email"))
    except OutgrowError as e:
        return request.page("forgot.html", error=e)
    return request.page("code.html", purpose="reset", email=request.form.text("email"))


async def reset(request: PageRequest) -> Response:
    form = request.form
    try:
        await request.count(CODE_TRIES)
        await request.services.confirmations.confirm_reset(
            form.text("email"), form.text("code"), form.raw("password")
        )
    except OutgrowError as e:
        if form.raw("purpose") == "invited":
            return request.page("code.html", error=e, purpose="invited", email="")
        return request.page("code.html", error=e, purpose="reset", email=form.text("email"))
    return to("/sign-in?done=password_set")


async def account(request: PageRequest) -> Response:
    return await _account(request)


async def _account(
    request: PageRequest, error: OutgrowError | None = None, *, is_ending: bool = False
) -> Response:
    assert request.session is not None
    accounts = request.services.accounts
    sessions = decoded(await accounts.list_sessions(request.user_id, request.session.session_id))
    return request.page(
        "account.html", error=error, sessions=sessions["items"], is_ending=is_ending
    )


async def change_password(request: PageRequest) -> Response:
    assert request.session is not None
    try:
        if request.form.raw("new") != request.form.raw("again"):
            raise BadInput(
                "bad_body", "the two are not the same", detail="again", hint="Try again."
            )
        await request.services.accounts.change_password(
            request.user_id,
            request.session.session_id,
            request.form.raw("old"),
            request.form.raw("new"),
        )
    except OutgrowError as e:
        return await _account(request, e)
    return to("/my/account?done=password_set")


async def end_session(request: PageRequest) -> Response:
    try:
        await request.services.accounts.own_password(request.user_id, request.form.raw("password"))
    except OutgrowError as e:
        return await _account(request, e, is_ending=True)
    await request.services.accounts.end_session(request.user_id, request.path["id"])
    return to("/my/account?done=session_ended")


async def end_sessions(request: PageRequest) -> Response:
    try:
        await request.services.accounts.own_password(request.user_id, request.form.raw("password"))
    except OutgrowError as e:
        return await _account(request, e, is_ending=True)
    await request.services.accounts.end_sessions(request.user_id)
    return request.signed_out("/?done=signed_out_everywhere")


async def export(request: PageRequest) -> Response:
    """Everything about oneself, as a file."""
    name = (b"content-disposition", b'attachment; filename="outgrow.json"')
    return Response(
        headers=(name,),
        content_type=b"application/json",
        stream=request.services.export.of(request.user_id),
    )


async def delete_form(request: PageRequest) -> Response:
    return request.page("delete.html")


async def delete(request: PageRequest) -> Response:
    try:
        await request.services.deletions.delete(request.user_id, request.form.raw("password"))
    except OutgrowError as e:
        return request.page("delete.html", error=e)
    assert request.session is not None
    request.services.changed(request.session.school or "")
    return request.signed_out("/?done=deleted")


PAGES = (
    Page(method="GET", path="/sign-up/code", handler=code_form, access=Access.PUBLIC),
    Page(
        method="POST",
        path="/sign-up/code",
        handler=verify,
        access=Access.PUBLIC,
        limit=CODE_TRIES,
    ),
    Page(method="GET", path="/invited", handler=invited_form, access=Access.PUBLIC),
    Page(method="GET", path="/forgot", handler=forgot_form, access=Access.PUBLIC),
    Page(method="POST", path="/forgot", handler=forgot, access=Access.PUBLIC, limit=CODES),
    Page(method="POST", path="/reset", handler=reset, access=Access.PUBLIC, limit=CODE_TRIES),
    Page(method="GET", path="/my/account", handler=account, access=Access.SIGNED_IN),
    Page(
        method="POST",
        path="/my/account/password",
        handler=change_password,
        access=Access.SIGNED_IN,
        limit=PASSWORDS,
    ),
    Page(
        method="POST",
        path="/my/account/sessions",
        handler=end_sessions,
        access=Access.SIGNED_IN,
        limit=PASSWORDS,
    ),
    Page(
        method="POST",
        path="/my/account/sessions/{id}",
        handler=end_session,
        access=Access.SIGNED_IN,
        limit=PASSWORDS,
    ),
    Page(
        method="GET",
        path="/my/account/export",
        handler=export,
        access=Access.SIGNED_IN,
        limit=EXPORTS,
    ),
    Page(method="GET", path="/my/account/delete", handler=delete_form, access=Access.SIGNED_IN),
    Page(
        method="POST",
        path="/my/account/delete",
        handler=delete,
        access=Access.SIGNED_IN,
        limit=PASSWORDS,
    ),
)
