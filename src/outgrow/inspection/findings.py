"""What a table's figures mean: facts in, findings out. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from outgrow.inspection.finding import Finding, Level, remedy, size_of
from outgrow.inspection.health import Health, Index

BLOATED = 0.3  # of the size, and at least:
BLOATED_BYTES = 8_000_000
HIT_SHARE = 0.95  # of the blocks, once so many were asked for:
BLOCKS_JUDGED = 10_000
COUNTED = timedelta(days=1)  # before that, an index that nobody used may be one for Mondays
OLD_XID = 1_000_000_000  # of 2,100,000,000, at which PostgreSQL stops taking writes
SLOW_MS = 500.0


def findings(health: Health, slow_ms: float = SLOW_MS) -> list[Finding]:
    """The worst first."""
    found = [
        *_of_table(health),
        *_of_indexes(health),
        *_of_upkeep(health),
        *_of_use(health, slow_ms),
    ]
    order = ("bad", "warn", "note")
    return sorted(found, key=lambda finding: order.index(finding.level))


def _of_table(health: Health) -> Iterator[Finding]:
    table = health.table
    if not table.key_unique:
        yield Finding(
            "no_unique_key",
            "bad",
            table.name,
            "nothing keeps a key from being there twice: `key` has no primary key and no unique "
            "index, and no upsert can name it",
            remedy("unique_key", store=table.name),
        )
    if table.unlogged:
        yield Finding(
            "unlogged",
            "bad",
            table.name,
            "the table is UNLOGGED: after a crash of the server it is empty",
            remedy("logged", store=table.name),
        )
    if not table.key_order and not any(i.prefixes and i.valid for i in health.indexes):
        yield Finding(
            "missing_prefix_index",
            "warn",
            table.name,
            "no index finds keys by their beginning: the database's collation is not C, so a read "
            f"by prefix (getByPrefix, LIKE 'user:%') reads all {size_of(table.heap_bytes)}",
            remedy("prefix_index", store=table.name),
        )
    bloat = table.bloat_bytes
    if bloat is not None and bloat >= max(BLOATED_BYTES, BLOATED * table.heap_bytes):
        yield Finding(
            "bloated_table",
            "warn",
            table.name,
            f"about {size_of(bloat)} of its {size_of(table.heap_bytes)} are air (an estimate): "
            "every scan reads them; new rows will fill them, and pg_repack or VACUUM FULL, which "
            "locks everybody out, would free them",
        )


def _of_indexes(health: Health) -> Iterator[Finding]:
    schema = health.table.name.rpartition(".")[0]
    for index in health.indexes:
        full_name = f"{schema}.{index.name}"
        if not index.valid and index.needed_by is None:
            yield Finding(
                "invalid_index",
                "bad",
                index.name,
                f"being built, or left by a build that failed: {size_of(index.bytes)} that every "
                "write keeps and no query uses",
                remedy("drop_index", index=full_name),
            )
        elif index.duplicate_of is not None and not index.ours:
            yield Finding(
                "duplicate_index",
                "warn",
                index.name,
                f"does nothing that {index.duplicate_of} does not do: {size_of(index.bytes)} that "
                "every write keeps",
                remedy("drop_index", index=full_name),
            )
        elif _is_unused(index):
            yield _unused(health, index, full_name)
        bloat = index.bloat_bytes or 0
        if bloat >= max(BLOATED_BYTES, BLOATED * index.bytes):
            yield Finding(
                "bloated_index",
                "note",
                index.name,
                f"about {size_of(bloat)} of its {size_of(index.bytes)} are air (an estimate)",
                remedy("rebuild_index", index=full_name),
            )


def _is_unused(index: Index) -> bool:
    return not index.scans and not index.ours and index.needed_by is None and not index.unique


def _unused(health: Health, index: Index, full_name: str) -> Finding:
    level: Level = "note"
    since = "since the server counts"
    if health.counted_since is not None:
        since = f"since {health.counted_since:%Y-%m-%d %H:%M} UTC"
        if health.now - health.counted_since >= COUNTED:
            level = "warn"
    return Finding(
        "unused_index",
        level,
        index.name,
        f"no query used it on this server {since}: {size_of(index.bytes)} that every write keeps",
        remedy("drop_index", index=full_name),
    )


def _of_upkeep(health: Health) -> Iterator[Finding]:
    upkeep, name = health.upkeep, health.table.name
    if not upkeep.autovacuum:
        yield Finding(
            "autovacuum_off",
            "bad",
            name,
            "autovacuum is off for this table: rows that were changed or deleted are never freed",
            remedy("autovacuum", store=name),
        )
    if upkeep.dead > upkeep.vacuum_due:
        yield Finding(
            "vacuum_due",
            "warn" if upkeep.dead > 2 * upkeep.vacuum_due else "note",
            name,
            f"{upkeep.dead:,} dead rows beside {upkeep.live:,} live ones; from "
            f"{upkeep.vacuum_due:,} on autovacuum should come",
            remedy("vacuum", store=name),
        )
    never = upkeep.analyzed is None and health.table.rows is None
    if upkeep.changed > upkeep.analyze_due or never:
        fact = f"{upkeep.changed:,} rows changed since the last ANALYZE"
        yield Finding(
            "analyze_due",
            "note",
            name,
            ("the table was never analyzed" if never else fact)
            + ": the planner guesses how much there is",
            remedy("analyze", store=name),
        )
    age = health.table.xid_age or 0
    if age > upkeep.freeze_due:
        yield Finding(
            "old_transaction_ids",
            "bad" if age > OLD_XID else "warn",
            name,
            f"its oldest transaction id is {age:,} old; VACUUM had to come at "
            f"{upkeep.freeze_due:,}, and at 2.1 billion PostgreSQL takes no write any more",
            remedy("freeze", store=name),
        )


def _of_use(health: Health, slow_ms: float) -> Iterator[Finding]:
    share = health.hit_share
    if share is not None and health.blocks_asked >= BLOCKS_JUDGED and share < HIT_SHARE:
        yield Finding(
            "cache_misses",
            "note",
            health.table.name,
            f"{100 * (1 - share):.0f} of 100 blocks were not in PostgreSQL's memory: what is used "
            "of the table does not fit into shared_buffers",
        )
    for statement in health.statements.slowest:
        if statement.mean >= slow_ms:
            yield Finding(
                "slow_statement",
                "warn",
                health.table.name,
                f"{statement.mean:,.0f} ms on average, {statement.calls:,} times: {statement.text}",
            )
