"""Pages: codes from a mailbox, passwords and sessions."""

from __future__ import annotations

from outgrow.campus.limits import CODE_TRIES, CODES, EXPORTS, PASSWORDS
from outgrow.errors import BadInput, OutgrowError
from outgrow.web.html.page import Ask, Page, Reply, decoded, to
from outgrow.web.http.routing import Access


async def code_form(ask: Ask) -> Reply:
    return ask.page("code.html", purpose="verify", email=ask.query.text("email"))


async def verify(ask: Ask) -> Reply:
    """Complete a sign-up that waits for its code."""
    form = ask.form
    try:
        await ask.count(CODE_TRIES)
        signed_in = await ask.network.confirmations.verify(
            form.text("email"), form.text("code"), form.raw("password"), device=ask.device
        )
    except OutgrowError as e:
        return ask.page("code.html", error=e, purpose="verify", email=form.text("email"))
    ask.network.changed(signed_in.school or "")
    own = decoded(await ask.network.profiles.own(signed_in.user_id))
    done = "claimed" if own["bio"] or own["interests"] else "welcome"
    return ask.signed_in(await ask.network.visits.open(signed_in), f"/?done={done}")


async def invited_form(ask: Ask) -> Reply:
    """Where the mail of an invitation leads."""
    return ask.page("code.html", purpose="invited", email="")


async def forgot_form(ask: Ask) -> Reply:
    return ask.page("forgot.html")


async def forgot(ask: Ask) -> Reply:
    """Send a code, or say so: whether there is an account is nobody's business."""
    try:
        await ask.count(CODES)
        await ask.network.confirmations.reset(ask.form.text("email"))
    except OutgrowError as e:
        return ask.page("forgot.html", error=e)
    return ask.page("code.html", purpose="reset", email=ask.form.text("email"))


async def reset(ask: Ask) -> Reply:
    form = ask.form
    try:
        await ask.count(CODE_TRIES)
        await ask.network.confirmations.confirm_reset(
            form.text("email"), form.text("code"), form.raw("password")
        )
    except OutgrowError as e:
        if form.raw("purpose") == "invited":
            return ask.page("code.html", error=e, purpose="invited", email="")
        return ask.page("code.html", error=e, purpose="reset", email=form.text("email"))
    return to("/sign-in?done=password_set")


async def account(ask: Ask) -> Reply:
    return await _account(ask)


async def _account(
    ask: Ask, error: OutgrowError | None = None, *, is_ending: bool = False
) -> Reply:
    assert ask.visit is not None
    accounts = ask.network.accounts
    sessions = decoded(await accounts.list_sessions(ask.user_id, ask.visit.session_id))
    return ask.page("account.html", error=error, sessions=sessions["items"], is_ending=is_ending)


async def change_password(ask: Ask) -> Reply:
    assert ask.visit is not None
    try:
        if ask.form.raw("new") != ask.form.raw("again"):
            raise BadInput(
                "bad_body", "the two are not the same", detail="again", hint="Try again."
            )
        await ask.network.accounts.change_password(
            ask.user_id, ask.visit.session_id, ask.form.raw("old"), ask.form.raw("new")
        )
    except OutgrowError as e:
        return await _account(ask, e)
    return to("/my/account?done=password_set")


async def end_session(ask: Ask) -> Reply:
    try:
        await ask.network.accounts.own_password(ask.user_id, ask.form.raw("password"))
    except OutgrowError as e:
        return await _account(ask, e, is_ending=True)
    await ask.network.accounts.end_session(ask.user_id, ask.path["id"])
    return to("/my/account?done=session_ended")


async def end_sessions(ask: Ask) -> Reply:
    try:
        await ask.network.accounts.own_password(ask.user_id, ask.form.raw("password"))
    except OutgrowError as e:
        return await _account(ask, e, is_ending=True)
    await ask.network.accounts.end_sessions(ask.user_id)
    return ask.signed_out("/?done=signed_out_everywhere")


async def export(ask: Ask) -> Reply:
    """Everything about oneself, as a file."""
    name = (b"content-disposition", b'attachment; filename="outgrow.json"')
    return Reply(
        headers=(name,),
        content_type=b"application/json",
        stream=ask.network.export.of(ask.user_id),
    )


async def delete_form(ask: Ask) -> Reply:
    return ask.page("delete.html")


async def delete(ask: Ask) -> Reply:
    try:
        await ask.network.deletions.delete(ask.user_id, ask.form.raw("password"))
    except OutgrowError as e:
        return ask.page("delete.html", error=e)
    assert ask.visit is not None
    ask.network.changed(ask.visit.school or "")
    return ask.signed_out("/?done=deleted")


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
