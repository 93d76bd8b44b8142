"""Pages: welcome, sign up, sign in, sign out."""

from __future__ import annotations

from outgrow.campus.addresses import valid_email
from outgrow.campus.limits import LOG_IN, SIGN_UP
from outgrow.campus.pagination import LARGEST_LIMIT, decoded
from outgrow.campus.pagination import Page as Cut
from outgrow.campus.people.profiles import NewProfile
from outgrow.errors import OutgrowError
from outgrow.web.html import people
from outgrow.web.html.forms import shaped
from outgrow.web.html.page import Page, PageRequest, own_path, to
from outgrow.web.http.response import Response
from outgrow.web.http.routing import Access

YEARS = ("Freshman", "Sophomore", "Junior", "Senior", "Grad")


async def home(request: PageRequest) -> Response:
    if request.session is None:
        return request.page("welcome.html")
    if request.session.school is None:
        return to("/my/profile")
    return await people.browse(request)


async def sign_in_form(request: PageRequest) -> Response:
    if request.session is not None:
        return to(own_path(request.query.raw("next") or "/"))
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
    return await request.signed_in(await request.services.browser_sessions.open(signed_in), next_)


async def sign_up_form(request: PageRequest) -> Response:
    return to("/") if request.session else await _sign_up_page(request)


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
    if isinstance(signed_in, str):  # not into an address
        return request.page("code.html", purpose="verify", email=email, sign_up=signed_in)
    services.changed(profile.school)
    return await request.signed_in(
        await services.browser_sessions.open(signed_in), "/?done=welcome"
    )


async def _sign_up_page(request: PageRequest, error: OutgrowError | None = None) -> Response:
    return request.page("sign_up.html", error=error, schools=await schools(request), years=YEARS)


def new_profile(request: PageRequest) -> NewProfile:
    """Raises BadInput."""
    names = ("name", "school", "major", "year")
    given = {name: value for name in names if (value := request.form.text(name))}
    return shaped({"name": "", "school": "", **given}, NewProfile)


async def schools(request: PageRequest) -> list[str]:
    """Names to choose from while typing one's own, but for those that only look like another."""
    page = decoded(await request.services.schools.page(Cut(limit=LARGEST_LIMIT)))
    return [item["name"] for item in page["items"] if "resembles" not in item]


async def sign_out(request: PageRequest) -> Response:
    if request.session is not None:
        await request.services.accounts.log_out(request.session.user_id, request.session.session_id)
    return request.signed_out("/?done=signed_out")


PAGES = (
    Page(method="GET", path="/", handler=home, access=Access.PUBLIC),
    Page(method="GET", path="/sign-in", handler=sign_in_form, access=Access.PUBLIC),
    Page(method="POST", path="/sign-in", handler=sign_in, access=Access.PUBLIC, limit=LOG_IN),
    Page(method="GET", path="/sign-up", handler=sign_up_form, access=Access.PUBLIC),
    Page(method="POST", path="/sign-up", handler=sign_up, access=Access.PUBLIC, limit=SIGN_UP),
    Page(method="POST", path="/sign-out", handler=sign_out, access=Access.PUBLIC),
)
