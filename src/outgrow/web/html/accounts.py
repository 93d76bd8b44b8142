"""Pages of accounts: sign up, sign in, codes, passwords, sessions, your profile and settings."""

from __future__ import annotations

from typing import Any

from outgrow.campus.limits import CODE_TRIES, CODES, EXPORTS, LOG_IN, PASSWORDS, SIGN_UP
from outgrow.campus.mail import valid_email
from outgrow.campus.pagination import LARGEST_LIMIT, decoded
from outgrow.campus.pagination import Page as Paging
from outgrow.campus.people.profiles import NewProfile, ProfileChanges
from outgrow.campus.people.schools import strip_invisible
from outgrow.errors import BadInput, NotFound, OutgrowError
from outgrow.web.html import people
from outgrow.web.html.assets import texts
from outgrow.web.html.forms import Form, convert_form, plain
from outgrow.web.html.page import Page, PageRequest, own_path, redirect
from outgrow.web.http.response import Response
from outgrow.web.http.routing import Access

YEARS = ("Freshman", "Sophomore", "Junior", "Senior", "Grad")


async def home_page(request: PageRequest) -> Response:
    if request.session is None:
        return request.page("welcome.html")
    if request.session.school is None:
        return redirect("/my/profile")
    return await people.browse_people(request)


async def sign_in_form(request: PageRequest) -> Response:
    if request.session is not None:
        return redirect(own_path(request.query.raw("next") or "/"))
    return request.page("sign_in.html", next=own_path(request.query.raw("next") or "/"))


async def sign_in(request: PageRequest) -> Response:
    accounts = request.services.accounts
    next_ = own_path(request.form.raw("next") or "/")
    try:
        signed_in = await accounts.log_in(
            request.form.text("email"),
            request.form.raw("password"),
            address=request.address,
            device=request.device,
            device_token=request.device_token,
        )
    except OutgrowError as e:
        return request.page("sign_in.html", error=e, next=next_)
    if request.session is not None:  # the browser forgets its cookie for the new one
        await accounts.log_out(request.session.user_id, request.session.session_id)
    return await request.redirect_signed_in(signed_in, next_)


async def sign_up_form(request: PageRequest) -> Response:
    return redirect("/") if request.session else await _sign_up_page(request)


async def sign_up(request: PageRequest) -> Response:
    services = request.services
    try:
        email = valid_email(request.form.text("email"))
        password = request.form.raw("password")
        profile = new_profile(request)
        signed_in = await services.confirmations.sign_up(
            email, password, profile, address=request.address, device=request.device
        )
    except OutgrowError as e:
        return await _sign_up_page(request, e)
    if isinstance(signed_in, str):  # in the page, not in its address
        return request.page("code.html", purpose="verify", email=email, sign_up=signed_in)
    services.changed(profile.school)
    return await request.redirect_signed_in(signed_in, "/?done=welcome")


async def _sign_up_page(request: PageRequest, error: OutgrowError | None = None) -> Response:
    return request.page("sign_up.html", error=error, schools=await schools(request), years=YEARS)


def new_profile(request: PageRequest) -> NewProfile:
    """Return the profile in the form. Raises BadInput."""
    names = ("name", "school", "major", "year")
    given = {name: value for name in names if (value := request.form.text(name))}
    return convert_form({"name": "", "school": "", **given}, NewProfile)


async def schools(request: PageRequest) -> list[str]:
    """Return the names to choose a school from, without those that only look like another."""
    page = decoded(await request.services.schools.page(Paging(limit=LARGEST_LIMIT)))
    return [item["name"] for item in page["items"] if "resembles" not in item]


async def sign_out(request: PageRequest) -> Response:
    if request.session is not None:
        await request.services.accounts.log_out(request.session.user_id, request.session.session_id)
    return request.redirect_signed_out("/?done=signed_out")


async def code_form(request: PageRequest) -> Response:
    email = request.query.text("email")
    return request.page("code.html", purpose="verify", email=email, sign_up="")


async def verify_sign_up(request: PageRequest) -> Response:
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
    profile = decoded(await request.services.profiles.own_profile(signed_in.user_id))
    done = "claimed" if profile["bio"] or profile["interests"] else "welcome"
    return await request.redirect_signed_in(signed_in, f"/?done={done}")


async def invited_form(request: PageRequest) -> Response:
    """Return the page that an invitation's mail links to."""
    return request.page("code.html", purpose="invited", email="")


async def forgot_form(request: PageRequest) -> Response:
    return request.page("forgot.html")


async def send_reset_code(request: PageRequest) -> Response:
    """Send a code, or seem to: whether the account exists stays private."""
    try:
        await request.count(CODES)
        await request.services.confirmations.reset(request.form.text("email"))
    except OutgrowError as e:
        return request.page("forgot.html", error=e)
    return request.page("code.html", purpose="reset", email=request.form.text("email"))


async def set_password(request: PageRequest) -> Response:
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
    return redirect("/sign-in?done=password_set")


async def account_page(request: PageRequest) -> Response:
    return await _render_account(request)


async def _render_account(
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
                "bad_body", "the two passwords differ", detail="again", hint="Try again."
            )
        await request.services.accounts.change_password(
            request.user_id,
            request.session.session_id,
            request.form.raw("old"),
            request.form.raw("new"),
        )
    except OutgrowError as e:
        return await _render_account(request, e)
    return redirect("/my/account?done=password_set")


async def end_session(request: PageRequest) -> Response:
    try:
        await request.services.accounts.own_password(request.user_id, request.form.raw("password"))
    except OutgrowError as e:
        return await _render_account(request, e, is_ending=True)
    await request.services.accounts.end_session(request.user_id, request.path["id"])
    return redirect("/my/account?done=session_ended")


async def end_sessions(request: PageRequest) -> Response:
    try:
        await request.services.accounts.own_password(request.user_id, request.form.raw("password"))
    except OutgrowError as e:
        return await _render_account(request, e, is_ending=True)
    await request.services.accounts.end_sessions(request.user_id)
    return request.redirect_signed_out("/?done=signed_out_everywhere")


async def export_account(request: PageRequest) -> Response:
    """Download everything about your account as a file."""
    name = (b"content-disposition", b'attachment; filename="outgrow.json"')
    return Response(
        headers=(name,),
        content_type=b"application/json",
        stream=request.services.export.document(request.user_id),
    )


async def delete_form(request: PageRequest) -> Response:
    return request.page("delete.html")


async def delete_account(request: PageRequest) -> Response:
    try:
        await request.services.deletions.delete(request.user_id, request.form.raw("password"))
    except OutgrowError as e:
        return request.page("delete.html", error=e)
    assert request.session is not None
    request.services.changed(request.session.school or "")
    return request.redirect_signed_out("/?done=deleted")


_TEXTS = ("name", "major", "year", "pronouns", "bio", "additional_info", "profile_picture")
_LISTS = ("interests", "looking_for", "personality")
_GOAL_LISTS = ("academic", "leisure")
_GOAL_TEXTS = ("career", "personal")
_GOALS = _GOAL_LISTS + _GOAL_TEXTS
SWITCHES = ("profile_visible", "allow_messages", "read_receipts")


async def profile_form(request: PageRequest) -> Response:
    try:
        profile = decoded(await request.services.profiles.own_profile(request.user_id))
    except NotFound:
        return await _first_profile(request)
    error = await _no_member(request)
    if error is not None:
        is_unproven = error.code == "email_not_verified"
        return request.page("no_member.html", error=error, profile=profile, is_unproven=is_unproven)
    return _profile_page(request, profile)


async def _no_member(request: PageRequest) -> OutgrowError | None:
    """Return why people with a profile are sent here from every other page."""
    if request.session is not None and request.session.school is None:
        try:
            await request.services.accounts.membership(request.user_id)
        except OutgrowError as e:
            return e
    return None


async def _first_profile(request: PageRequest, error: OutgrowError | None = None) -> Response:
    return request.page(
        "first_profile.html", error=error, schools=await schools(request), years=YEARS
    )


def _profile_page(
    request: PageRequest, profile: dict[str, Any], error: OutgrowError | None = None
) -> Response:
    values = _form_values(profile)
    values |= {name: request.form.text(name) for name in values if request.form.has(name)}
    return request.page("my_profile.html", error=error, profile=profile, values=values, years=YEARS)


def _form_values(profile: dict[str, Any]) -> dict[str, str]:
    """Return a profile by field, as its form shows it and a browser sends it back. Old clients may
    have written anything; the form shows what is text."""
    goals = profile["goals"] or {}
    lists = {name: profile[name] for name in _LISTS} | {
        name: goals.get(name) for name in _GOAL_LISTS
    }
    values = {name: profile[name] for name in _TEXTS} | {
        name: goals.get(name) for name in _GOAL_TEXTS
    }
    values |= {name: ", ".join(texts(value)) for name, value in lists.items()}
    values["photos"] = "\n".join(texts(profile["photos"]))
    values["age"] = str(round(profile["age"])) if profile["age"] else ""
    return {
        name: plain(strip_invisible(value)) if isinstance(value, str) else ""
        for name, value in values.items()
    }


async def create_profile(request: PageRequest) -> Response:
    """Create the profile of an account without one."""
    try:
        profile: NewProfile = new_profile(request)
        await request.services.accounts.add_profile(request.user_id, profile)
    except OutgrowError as e:
        return await _first_profile(request, e)
    request.services.changed(profile.school)
    return redirect("/?done=welcome")


async def change_profile(request: PageRequest) -> Response:
    profiles = request.services.profiles
    profile = decoded(await profiles.own_profile(request.user_id))
    try:
        changes = convert_form(_changes(request.form, _form_values(profile)), ProfileChanges)
        await profiles.change(request.user_id, request.viewer.school, changes)
    except OutgrowError as e:
        return _profile_page(request, profile, e)
    return redirect("/my/profile?done=saved")


def _changes(form: Form, shown: dict[str, str]) -> dict[str, Any]:
    """Return the fields that differ from what the form showed. The others are left alone: an old
    client may have written what no form shows whole, or what could not be written today."""
    changed = {name for name in shown if form.has(name) and form.text(name) != shown[name]}
    values: dict[str, Any] = {name: form.text(name) or None for name in _TEXTS}
    values |= {name: form.comma_list(name) or None for name in _LISTS}
    values["name"] = form.text("name")
    values["photos"] = form.links("photos") or None
    age = form.text("age")
    values["age"] = int(age) if age.isdecimal() and len(age) < 5 else age or None
    changes = {name: value for name, value in values.items() if name in changed}
    if changed.intersection(_GOALS):
        goals: dict[str, Any] = {name: form.comma_list(name) for name in _GOAL_LISTS}
        goals |= {name: form.text(name) for name in _GOAL_TEXTS}
        changes["goals"] = {name: value for name, value in goals.items() if value} or None
    return changes


async def settings_page(request: PageRequest) -> Response:
    profile = decoded(await request.services.profiles.own_profile(request.user_id))
    return request.page("settings.html", profile=profile)


async def change_settings(request: PageRequest) -> Response:
    switches = {name: request.form.has(name) for name in SWITCHES}
    changes = convert_form({"settings": switches}, ProfileChanges)
    await request.services.profiles.change(request.user_id, request.viewer.school, changes)
    return redirect("/my/settings?done=saved")


PAGES = (
    Page(method="GET", path="/", handler=home_page, access=Access.PUBLIC),
    Page(method="GET", path="/sign-in", handler=sign_in_form, access=Access.PUBLIC),
    Page(method="POST", path="/sign-in", handler=sign_in, access=Access.PUBLIC, limit=LOG_IN),
    Page(method="GET", path="/sign-up", handler=sign_up_form, access=Access.PUBLIC),
    Page(method="POST", path="/sign-up", handler=sign_up, access=Access.PUBLIC, limit=SIGN_UP),
    Page(method="POST", path="/sign-out", handler=sign_out, access=Access.PUBLIC),
    Page(method="GET", path="/sign-up/code", handler=code_form, access=Access.PUBLIC),
    Page(
        method="POST",
        path="/sign-up/code",
        handler=verify_sign_up,
        access=Access.PUBLIC,
        limit=CODE_TRIES,
    ),
    Page(method="GET", path="/invited", handler=invited_form, access=Access.PUBLIC),
    Page(method="GET", path="/forgot", handler=forgot_form, access=Access.PUBLIC),
    Page(method="POST", path="/forgot", handler=send_reset_code, access=Access.PUBLIC, limit=CODES),
    Page(
        method="POST", path="/reset", handler=set_password, access=Access.PUBLIC, limit=CODE_TRIES
    ),
    Page(method="GET", path="/my/account", handler=account_page, access=Access.SIGNED_IN),
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
        handler=export_account,
        access=Access.SIGNED_IN,
        limit=EXPORTS,
    ),
    Page(method="GET", path="/my/account/delete", handler=delete_form, access=Access.SIGNED_IN),
    Page(
        method="POST",
        path="/my/account/delete",
        handler=delete_account,
        access=Access.SIGNED_IN,
        limit=PASSWORDS,
    ),
    Page(method="GET", path="/my/profile", handler=profile_form, access=Access.SIGNED_IN),
    Page(method="POST", path="/my/profile", handler=change_profile),
    Page(method="POST", path="/my/first-profile", handler=create_profile, access=Access.SIGNED_IN),
    Page(method="GET", path="/my/settings", handler=settings_page),
    Page(method="POST", path="/my/settings", handler=change_settings),
)
