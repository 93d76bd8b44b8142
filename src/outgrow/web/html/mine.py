"""Pages: one's own profile and settings."""

from __future__ import annotations

from typing import Any

from outgrow.campus.pagination import decoded
from outgrow.campus.people.lookalikes import shown
from outgrow.campus.people.profiles import NewProfile, ProfileChanges
from outgrow.errors import NotFound, OutgrowError
from outgrow.web.html.assets import texts
from outgrow.web.html.entry import YEARS, new_profile, schools
from outgrow.web.html.forms import Form, plain, shaped
from outgrow.web.html.page import Page, PageRequest, to
from outgrow.web.http.response import Response
from outgrow.web.http.routing import Access

_TEXTS = ("name", "major", "year", "pronouns", "bio", "additional_info", "profile_picture")
_LISTS = ("interests", "looking_for", "personality")
_GOAL_LISTS = ("academic", "leisure")
_GOAL_TEXTS = ("career", "personal")
_GOALS = _GOAL_LISTS + _GOAL_TEXTS
SWITCHES = ("profile_visible", "allow_messages", "read_receipts")


async def profile_form(request: PageRequest) -> Response:
    try:
        own = decoded(await request.services.profiles.own(request.user_id))
    except NotFound:
        return await _first_profile(request)
    error = await _no_member(request)
    if error is not None:
        is_unproven = error.code == "email_not_verified"
        return request.page("no_member.html", error=error, own=own, is_unproven=is_unproven)
    return _profile_page(request, own)


async def _no_member(request: PageRequest) -> OutgrowError | None:
    """Why somebody with a profile is sent here from every other page."""
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
    request: PageRequest, own: dict[str, Any], error: OutgrowError | None = None
) -> Response:
    values = _shown(own)
    values |= {name: request.form.text(name) for name in values if request.form.has(name)}
    return request.page("my_profile.html", error=error, own=own, values=values, years=YEARS)


def _shown(own: dict[str, Any]) -> dict[str, str]:
    """A profile as its form has it and a browser sends it back, by field. Old clients may have
    written anything there, of which the form has what is text."""
    goals = own["goals"] or {}
    lists = {name: own[name] for name in _LISTS} | {name: goals.get(name) for name in _GOAL_LISTS}
    values = {name: own[name] for name in _TEXTS} | {name: goals.get(name) for name in _GOAL_TEXTS}
    values |= {name: ", ".join(texts(value)) for name, value in lists.items()}
    values["photos"] = "\n".join(texts(own["photos"]))
    values["age"] = str(round(own["age"])) if own["age"] else ""
    return {
        name: plain(shown(value)) if isinstance(value, str) else ""
        for name, value in values.items()
    }


async def first_profile(request: PageRequest) -> Response:
    """Make the profile of an account that has none."""
    try:
        profile: NewProfile = new_profile(request)
        await request.services.accounts.add_profile(request.user_id, profile)
    except OutgrowError as e:
        return await _first_profile(request, e)
    request.services.changed(profile.school)
    return to("/?done=welcome")


async def change_profile(request: PageRequest) -> Response:
    profiles = request.services.profiles
    own = decoded(await profiles.own(request.user_id))
    try:
        changes = shaped(_changes(request.form, _shown(own)), ProfileChanges)
        await profiles.change(request.user_id, request.viewer.school, changes)
    except OutgrowError as e:
        return _profile_page(request, own, e)
    return to("/my/profile?done=saved")


def _changes(form: Form, shown: dict[str, str]) -> dict[str, Any]:
    """What was typed in place of what the form showed. The rest is left alone: an old client may
    have written there what no form shows whole, or what could not be written today."""
    changed = {name for name in shown if form.has(name) and form.text(name) != shown[name]}
    values: dict[str, Any] = {name: form.text(name) or None for name in _TEXTS}
    values |= {name: form.words(name) or None for name in _LISTS}
    values["name"] = form.text("name")
    values["photos"] = form.links("photos") or None
    age = form.text("age")
    values["age"] = int(age) if age.isdecimal() and len(age) < 5 else age or None
    changes = {name: value for name, value in values.items() if name in changed}
    if changed.intersection(_GOALS):
        goals: dict[str, Any] = {name: form.words(name) for name in _GOAL_LISTS}
        goals |= {name: form.text(name) for name in _GOAL_TEXTS}
        changes["goals"] = {name: value for name, value in goals.items() if value} or None
    return changes


async def settings(request: PageRequest) -> Response:
    own = decoded(await request.services.profiles.own(request.user_id))
    return request.page("settings.html", own=own)


async def change_settings(request: PageRequest) -> Response:
    switches = {name: request.form.has(name) for name in SWITCHES}
    changes = shaped({"settings": switches}, ProfileChanges)
    await request.services.profiles.change(request.user_id, request.viewer.school, changes)
    return to("/my/settings?done=saved")


PAGES = (
    Page(method="GET", path="/my/profile", handler=profile_form, access=Access.SIGNED_IN),
    Page(method="POST", path="/my/profile", handler=change_profile),
    Page(method="POST", path="/my/first-profile", handler=first_profile, access=Access.SIGNED_IN),
    Page(method="GET", path="/my/settings", handler=settings),
    Page(method="POST", path="/my/settings", handler=change_settings),
)
