"""Pages: block somebody, take it back, and report somebody to whoever runs this."""

from __future__ import annotations

from outgrow.campus.limits import BLOCKS, REPORTS
from outgrow.campus.pagination import decoded
from outgrow.campus.safety import NewReport
from outgrow.errors import OutgrowError
from outgrow.web.html import people
from outgrow.web.html.forms import shaped
from outgrow.web.html.page import Page, PageRequest, to
from outgrow.web.http.response import Response

REPORTED = {
    "harassment": "They harass or threaten",
    "inappropriate": "It is not fit to be seen",
    "impersonation": "They pretend to be somebody else",
    "spam": "Spam or advertising",
    "other": "Something else",
}


async def block(request: PageRequest) -> Response:
    await request.services.safety.block(request.user_id, request.path["id"])
    request.services.changed(request.viewer.school)
    request.services.waiting.forget(request.user_id)
    return to("/people?done=blocked")


async def blocked(request: PageRequest) -> Response:
    found = decoded(
        await request.services.safety.blocks(people.cut(request), viewer=request.viewer)
    )
    rest = people.more("/my/blocked", [], found["next"])
    return request.page("blocked.html", blocks=found["items"], more=rest)


async def unblock(request: PageRequest) -> Response:
    await request.services.safety.unblock(request.user_id, request.path["id"])
    request.services.changed(request.viewer.school)
    return to("/my/blocked?done=unblocked")


async def report_form(request: PageRequest) -> Response:
    return await _report_page(request)


async def _report_page(request: PageRequest, error: OutgrowError | None = None) -> Response:
    user_id = request.path["id"]
    shown = decoded(await request.services.profiles.one(user_id, request.viewer))
    return request.page("report.html", error=error, person=shown, reasons=REPORTED)


async def report(request: PageRequest) -> Response:
    try:
        values = {
            "profile": request.path["id"],
            "reason": request.form.text("reason"),
            "note": request.form.text("note") or None,
        }
        await request.services.safety.report(request.user_id, shaped(values, NewReport))
    except OutgrowError as e:
        return await _report_page(request, e)
    return to("/people?done=reported")


PAGES = (
    Page(method="POST", path="/people/{id}/block", handler=block, limit=BLOCKS),
    Page(method="GET", path="/people/{id}/report", handler=report_form),
    Page(method="POST", path="/people/{id}/report", handler=report, limit=REPORTS),
    Page(method="GET", path="/my/blocked", handler=blocked),
    Page(method="POST", path="/my/blocked/{id}/unblock", handler=unblock),
)
