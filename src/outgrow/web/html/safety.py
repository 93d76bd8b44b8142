"""Pages: block somebody, take it back, and report somebody to whoever runs this."""

from __future__ import annotations

from outgrow.campus.limits import BLOCKS, REPORTS
from outgrow.campus.safety import NewReport
from outgrow.errors import OutgrowError
from outgrow.web.html import people
from outgrow.web.html.forms import shaped
from outgrow.web.html.page import Ask, Page, Reply, decoded, to

REPORTED = {
    "harassment": "They harass or threaten",
    "inappropriate": "It is not fit to be seen",
    "impersonation": "They pretend to be somebody else",
    "spam": "Spam or advertising",
    "other": "Something else",
}


async def block(ask: Ask) -> Reply:
    await ask.network.safety.block(ask.user_id, ask.path["id"])
    ask.network.changed(ask.school)
    ask.network.waiting.forget(ask.user_id)
    return to("/people?done=blocked")


async def blocked(ask: Ask) -> Reply:
    found = decoded(
        await ask.network.safety.blocks(people.cut(ask), school=ask.school, viewer=ask.user_id)
    )
    rest = people.more("/my/blocked", [], found["next"])
    return ask.page("blocked.html", blocks=found["items"], more=rest)


async def unblock(ask: Ask) -> Reply:
    await ask.network.safety.unblock(ask.user_id, ask.path["id"])
    ask.network.changed(ask.school)
    return to("/my/blocked?done=unblocked")


async def report_form(ask: Ask) -> Reply:
    return await _report_page(ask)


async def _report_page(ask: Ask, error: OutgrowError | None = None) -> Reply:
    user_id = ask.path["id"]
    shown = decoded(await ask.network.profiles.one(user_id, ask.school, ask.user_id))
    return ask.page("report.html", error=error, person=shown, reasons=REPORTED)


async def report(ask: Ask) -> Reply:
    try:
        values = {
            "profile": ask.path["id"],
            "reason": ask.form.text("reason"),
            "note": ask.form.text("note") or None,
        }
        await ask.network.safety.report(ask.user_id, shaped(values, NewReport))
    except OutgrowError as e:
        return await _report_page(ask, e)
    return to("/people?done=reported")


PAGES = (
    Page(method="POST", path="/people/{id}/block", handler=block, limit=BLOCKS),
    Page(method="GET", path="/people/{id}/report", handler=report_form),
    Page(method="POST", path="/people/{id}/report", handler=report, limit=REPORTS),
    Page(method="GET", path="/my/blocked", handler=blocked),
    Page(method="POST", path="/my/blocked/{id}/unblock", handler=unblock),
)
