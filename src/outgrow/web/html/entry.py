"""Pages: welcome, sign up, sign in, sign out."""

from __future__ import annotations

from outgrow.campus.addresses import valid_email
from outgrow.campus.limits import LOG_IN, SIGN_UP
from outgrow.campus.pages import LARGEST_LIMIT
from outgrow.campus.pages import Page as Cut
from outgrow.campus.profiles import NewProfile
from outgrow.errors import OutgrowError
from outgrow.web.html import people
from outgrow.web.html.forms import shaped
from outgrow.web.html.page import Ask, Page, Reply, decoded, own_path, to
from outgrow.web.http.routing import Access

YEARS = ("Freshman", "Sophomore", "Junior", "Senior", "Grad")


async def home(ask: Ask) -> Reply:
    if ask.visit is None:
        return ask.page("welcome.html")
    if ask.visit.school is None:
        return to("/my/profile")
    return await people.browse(ask)


async def sign_in_form(ask: Ask) -> Reply:
    if ask.visit is not None:
        return to(own_path(ask.query.raw("next") or "/"))
    return ask.page("sign_in.html", next=own_path(ask.query.raw("next") or "/"))


async def sign_in(ask: Ask) -> Reply:
    accounts = ask.network.accounts
    next_ = own_path(ask.form.raw("next") or "/")
    try:
        signed_in = await accounts.log_in(
            ask.form.text("email"),
            ask.form.raw("password"),
            address=ask.address,
            device=ask.device,
            device_token=ask.device_token,
        )
    except OutgrowError as e:
        return ask.page("sign_in.html", error=e, next=next_)
    if ask.visit is not None:  # the browser forgets its cookie for the new one
        await accounts.log_out(ask.visit.user_id, ask.visit.session_id)
    return ask.signed_in(await ask.network.visits.open(signed_in), next_)


async def sign_up_form(ask: Ask) -> Reply:
    return to("/") if ask.visit else await _sign_up_page(ask)


async def sign_up(ask: Ask) -> Reply:
    network = ask.network
    try:
        email = valid_email(ask.form.text("email"))
        password = ask.form.raw("password")
        profile = new_profile(ask)
        signed_in = await network.confirmations.sign_up(
            email, password, profile, address=ask.address, device=ask.device
        )
    except OutgrowError as e:
        return await _sign_up_page(ask, e)
    if signed_in is None:
        return ask.page("code.html", purpose="verify", email=email)  # not into an address
    network.changed(profile.school)
    return ask.signed_in(await network.visits.open(signed_in), "/?done=welcome")


async def _sign_up_page(ask: Ask, error: OutgrowError | None = None) -> Reply:
    return ask.page("sign_up.html", error=error, schools=await schools(ask), years=YEARS)


def new_profile(ask: Ask) -> NewProfile:
    """Raises BadInput."""
    names = ("name", "school", "major", "year")
    given = {name: value for name in names if (value := ask.form.text(name))}
    return shaped({"name": "", "school": "", **given}, NewProfile)


async def schools(ask: Ask) -> list[str]:
    """Names to choose from while typing one's own, but for those that only look like another."""
    page = decoded(await ask.network.schools.page(Cut(limit=LARGEST_LIMIT)))
    return [item["name"] for item in page["items"] if "resembles" not in item]


async def sign_out(ask: Ask) -> Reply:
    if ask.visit is not None:
        await ask.network.accounts.log_out(ask.visit.user_id, ask.visit.session_id)
    return ask.signed_out("/?done=signed_out")


PAGES = (
    Page(method="GET", path="/", handler=home, access=Access.PUBLIC),
    Page(method="GET", path="/sign-in", handler=sign_in_form, access=Access.PUBLIC),
    Page(method="POST", path="/sign-in", handler=sign_in, access=Access.PUBLIC, limit=LOG_IN),
    Page(method="GET", path="/sign-up", handler=sign_up_form, access=Access.PUBLIC),
    Page(method="POST", path="/sign-up", handler=sign_up, access=Access.PUBLIC, limit=SIGN_UP),
    Page(method="POST", path="/sign-out", handler=sign_out, access=Access.PUBLIC),
)
