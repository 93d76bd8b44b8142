"""What a serving process does by itself, now and then. Every process does it, and may."""

from __future__ import annotations

import asyncio
import logging

from outgrow.campus import operations
from outgrow.campus.accounts.confirmations import Confirmations
from outgrow.campus.accounts.deletion import Deletions
from outgrow.campus.background import FAILED
from outgrow.campus.limits import Limits
from outgrow.db.pool import Database

log = logging.getLogger("outgrow.upkeep")

EVERY_SECONDS = 60


async def keep_up(
    database: Database, limits: Limits, confirmations: Confirmations, deletions: Deletions
) -> None:
    """Until cancelled: go on with deletions, forget what is over, log what commands did."""

    async def report_operations() -> None:
        await operations.report(database)

    while True:
        for work in (deletions.resume, limits.forget, confirmations.forget, report_operations):
            try:
                await work()
            except FAILED as e:
                log.warning("%s failed, and is tried again: %s", work.__qualname__, e)
        await asyncio.sleep(EVERY_SECONDS)
