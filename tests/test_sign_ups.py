"""Sign-ups that wait for their code, several with one e-mail."""

from __future__ import annotations

from migrating import FORGET_MIGRATIONS
from outgrow.campus.accounts import credentials
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.schema.install import install
from test_confirmations import ADA, BODY, Outbox, opened, outbox, verify

__all__ = ["outbox"]


async def test_nobody_completes_what_somebody_else_began(campus: Database, outbox: Outbox) -> None:
    async with opened(campus, outbox) as api:
        await api.post("/auth/signup", BODY)
        mine = outbox.code()
        await api.post("/auth/signup", {**BODY, "password": "of somebody else"})
        theirs = outbox.code()
        assert (await verify(api, theirs)).status_code == 400  # with my password: not their sign-up
        assert (await verify(api, mine, password="of somebody else")).status_code == 400


async def test_sign_ups_with_one_e_mail_do_not_touch_each_other(
    phased: Database, outbox: Outbox
) -> None:
    """Whoever comes later ends no code of before, uses no try of it up, and takes no resend."""
    async with opened(phased, outbox) as api:
        mine = {"sign_up": (await api.post("/auth/signup", BODY)).json()["sign_up"]}
        my_code = outbox.code()
        stranger = {**BODY, "password": "of somebody else", "name": "Eve Stranger"}
        theirs = (await api.post("/auth/signup", stranger)).json()["sign_up"]
        for _ in range(credentials.CODE_TRIES):
            answer = await verify(api, "000000", password="of somebody else", sign_up=theirs)
            assert answer.status_code == 400
        for name in (theirs, "of nobody"):
            assert (await verify(api, my_code, sign_up=name)).status_code == 400
        await api.post("/auth/verify/resend", {"email": ADA, **mine})
        await api.services.confirmations.mail.background.settle()
        new_code = outbox.code()
        assert my_code == new_code or (await verify(api, my_code, **mine)).status_code == 400
        done = await verify(api, new_code, **mine)
        assert done.status_code == 201, done.text
        assert done.json()["profile"]["name"] == "Ada Okafor"
        assert (await verify(api, outbox.code(), **mine)).status_code == 400


async def test_a_sign_up_of_yesterday_is_completed(campus: Database, outbox: Outbox) -> None:
    async with opened(campus, outbox) as api:
        await api.post("/auth/signup", BODY)
        for sql in (
            "DELETE FROM network.codes",
            "ALTER TABLE network.sign_ups DROP COLUMN id, ADD PRIMARY KEY (email_key)",
            *FORGET_MIGRATIONS,
        ):
            await campus.run(Query("t", sql))
        made = api.services.confirmations._codes
        code = await made.give(campus, "verify", ADA)
        await install(campus)
        assert (await verify(api, code)).status_code == 201
