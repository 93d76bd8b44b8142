"""Pages: one's own profile and settings."""

from __future__ import annotations

from typing import Any

from outgrow.campus.lookalikes import shown
from outgrow.campus.profiles import NewProfile, ProfileChanges
from outgrow.errors import NotFound, OutgrowError
from outgrow.web.html.assets import texts
from outgrow.web.html.entry import YEARS, new_profile, schools
from outgrow.web.html.forms import Form, plain, shaped
from outgrow.web.html.page import Ask, Page, Reply, decoded, to
from outgrow.web.http.routing import Access

_TEXTS = ("name", "major", "year", "pronouns", "bio", "additional_info", "profile_picture")
_LISTS = ("interests", "looking_for", "personality")
_GOAL_LISTS = ("academic", "leisure")
_GOAL_TEXTS = ("career", "personal")
_GOALS = _GOAL_LISTS + _GOAL_TEXTS
SWITCHES = ("profile_visible", "allow_messages", "read_receipts")


async def profile_form(ask: Ask) -> Reply:
    try:
        own = decoded(await ask.network.profiles.own(ask.user_id))
    except NotFound:
        return await _first_profile(ask)
    error = await _no_member(ask)
    if error is not None:
        is_unproven = error.code == "email_not_verified"
        return ask.page("no_member.html", error=error, own=own, is_unproven=is_unproven)
    return _profile_page(ask, own)


async def _no_member(ask: Ask) -> OutgrowError | None:
    """Why somebody with a profile is sent here from every other page."""
    if ask.visit is not None and ask.visit.school is None:
        try:
            await ask.network.accounts.membership(ask.user_id)
        except OutgrowError as e:
            return e
    return None


async def _first_profile(ask: Ask, error: OutgrowError | None = None) -> Reply:
    return ask.page("first_profile.html", error=error, schools=await schools(ask), years=YEARS)


def _profile_page(ask: Ask, own: dict[str, Any], error: OutgrowError | None = None) -> Reply:
    values = _shown(own)
    values |= {name: ask.form.text(name) for name in values if ask.form.has(name)}
    return ask.page("my_profile.html", error=error, own=own, values=values, years=YEARS)


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


async def first_profile(ask: Ask) -> Reply:
    """Make the profile of an account that has none."""
    try:
        profile: NewProfile = new_profile(ask)
        await ask.network.accounts.add_profile(ask.user_id, profile)
    except OutgrowError as e:
        return await _first_profile(ask, e)
    ask.network.changed(profile.school)
    return to("/?done=welcome")


async def change_profile(ask: Ask) -> Reply:
    profiles = ask.network.profiles
    own = decoded(await profiles.own(ask.user_id))
    try:
        changes = shaped(_changes(ask.form, _shown(own)), ProfileChanges)
        await profiles.change(ask.user_id, ask.school, changes)
    except OutgrowError as e:
        return _profile_page(ask, own, e)
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


async def settings(ask: Ask) -> Reply:
    own = decoded(await ask.network.profiles.own(ask.user_id))
    return ask.page("settings.html", own=own)


async def change_settings(ask: Ask) -> Reply:
    switches = {name: ask.form.has(name) for name in SWITCHES}
    changes = shaped({"settings": switches}, ProfileChanges)
    await ask.network.profiles.change(ask.user_id, ask.school, changes)
    return to("/my/settings?done=saved")


PAGES = (
    Page(method="GET", path="/my/profile", handler=profile_form, access=Access.SIGNED_IN),
    Page(method="POST", path="/my/profile", handler=change_profile),
    Page(method="POST", path="/my/first-profile", handler=first_profile, access=Access.SIGNED_IN),
    Page(method="GET", path="/my/settings", handler=settings),
    Page(method="POST", path="/my/settings", handler=change_settings),
)
