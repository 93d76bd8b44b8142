"""Pages: one's own profile and settings."""

from __future__ import annotations

from typing import Any

from outgrow.campus.profiles import NewProfile, ProfileChanges
from outgrow.errors import NotFound, OutgrowError
from outgrow.web.endpoint import Access
from outgrow.web.pages.entry import YEARS, new_profile, schools
from outgrow.web.pages.forms import shaped
from outgrow.web.pages.page import Ask, Page, Reply, decoded, to

_LINES = ("name", "major", "year", "pronouns", "bio", "additional_info")
_LISTS = ("interests", "looking_for", "personality")
SWITCHES = ("profile_visible", "allow_messages", "read_receipts", "show_online_status")


async def profile_form(ask: Ask) -> Reply:
    try:
        own = decoded(await ask.network.profiles.own(ask.user_id))
    except NotFound:
        return await _first_profile(ask)
    return _profile_page(ask, own)


async def _first_profile(ask: Ask, error: OutgrowError | None = None) -> Reply:
    return ask.page("first_profile.html", error=error, schools=await schools(ask), years=YEARS)


def _profile_page(ask: Ask, own: dict[str, Any], error: OutgrowError | None = None) -> Reply:
    return ask.page("my_profile.html", error=error, own=own, years=YEARS)


async def first_profile(ask: Ask) -> Reply:
    """Make the profile of an account that has none."""
    try:
        profile: NewProfile = new_profile(ask)
        await ask.network.accounts.add_profile(ask.user_id, profile)
    except OutgrowError as e:
        return await _first_profile(ask, e)
    ask.network.signed_up(profile.school)
    ask.network.visits.forget(ask.user_id)
    return to("/?done=welcome")


async def change_profile(ask: Ask) -> Reply:
    profiles = ask.network.profiles
    form = ask.form
    try:
        values: dict[str, Any] = {name: form.text(name) or None for name in _LINES}
        values |= {name: form.words(name) or None for name in _LISTS}
        if values["name"] is None:
            values["name"] = ""
        age = form.text("age")
        values["age"] = int(age) if age.isdecimal() and len(age) < 5 else age or None
        await profiles.change(ask.user_id, ask.school, shaped(values, ProfileChanges))
    except OutgrowError as e:
        return _profile_page(ask, decoded(await profiles.own(ask.user_id)), e)
    return to("/my/profile?done=saved")


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
