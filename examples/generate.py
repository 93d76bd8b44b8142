"""Fills a store for an example: `python examples/generate.py events 100 | outgrow kv import`.

The same name and size give the same keys and values. One value in eight is damaged in a way that
prototypes do: JSON in a text, a number where a text was, null, a list in place of an object, an id
twice in a list, a name longer than anybody's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Pairs = Iterator[tuple[str, Any]]

DAY = "2026-%02d-%02d"


def _time(random: Random) -> str:
    day = DAY % (random.randint(1, 12), random.randint(1, 28))
    return f"{day}T10:{random.randint(10, 59)}:00.123Z"


def _some(random: Random, of: str, size: int, most: int) -> list[str]:
    return [f"{of}{random.randrange(size)}" for _ in range(random.randint(0, most))]


def events(size: int, random: Random) -> Pairs:
    for n in range(size):
        yield (
            f"user:u{n}",
            {
                "id": f"u{n}",
                "username": f"Name{n}",
                "name": f"Ім'я {n}",
                "birthYear": random.choice([1999, "1999"]),
                "availableForInvites": random.random() < 0.5,
                "createdAt": _time(random),
            },
        )
        yield f"username:Name{n}", f"u{n}"
        event = f"evt_{1767225600000 + n}_{n:09x}"
        coming = list(dict.fromkeys(["me", *_some(random, "u", size, 6)]))
        yield (
            f"event:{event}",
            {
                "id": event,
                "title": f"Event {n}",
                "date": DAY % (random.randint(1, 12), 3),
                "organizerId": random.choice([f"u{n}", None]),
                "attendees": len(coming),
                "createdAt": _time(random),
            },
        )
        yield f"event:{event}:attendees", coming
        chat = f"event_chat_{event}"
        yield f"event:{event}:chatId", chat
        yield (
            f"chat:{chat}",
            {
                "id": chat,
                "name": f"Event {n}",
                "eventId": event,
                "unread": 0,
                "createdAt": _time(random),
            },
        )
        yield (
            f"chat:{chat}:messages",
            [
                {
                    "id": f"msg_{1767225600000 + m}_{m}",
                    "text": f"Text {m} 🎓",
                    "isMine": m % 2 == 0,
                    "time": "10:10",
                    "createdAt": _time(random),
                }
                for m in range(random.randint(0, 5))
            ],
        )
        yield f"chat:{chat}:lastRead:u{n}", 1767225600000 + n


def mechanics(size: int, random: Random) -> Pairs:
    lists: dict[str, list[str]] = {"bookings:pending": []}
    for n in range(size):
        provider = n % 3 == 0
        yield (
            f"user:u{n}",
            {
                "id": f"u{n}",
                "email": f"U{n}@example.com",
                "name": f"Name {n}",
                "userType": "provider" if provider else "customer",
                "createdAt": _time(random),
                "rating": random.choice([4.50, 5, None]),
            },
        )
        if provider:
            yield f"provider:availability:u{n}", {"isOnline": True, "serviceRadius": 12.5}
            yield f"provider:services:u{n}", random.choice([[], ["tow"], [{"id": "tow"}]])
            continue
        booking = f"booking:{1767225600000 + n}:u{n}"
        status = random.choice(["pending", "assigned", "completed"])
        mechanic = None if status == "pending" else f"u{random.randrange(0, size, 3)}"
        yield (
            booking,
            {
                "id": booking,
                "customerId": f"u{n}",
                "service": "Battery",
                "vehicle": random.choice(["Volvo", {"make": "Volvo"}]),
                "coordinates": {"lat": 59.3, "lng": 18.1},
                "status": status,
                "mechanicId": mechanic,
                "price": random.choice([120, 99.50, "120", None]),
                "createdAt": _time(random),
            },
        )
        lists.setdefault(f"customer:bookings:u{n}", []).append(booking)
        if mechanic is None:
            lists["bookings:pending"].append(booking)
        else:
            lists.setdefault(f"provider:bookings:{mechanic}", []).append(booking)
            yield (
                f"messages:{booking}",
                [
                    {
                        "id": f"msg_{m}",
                        "senderId": random.choice([f"u{n}", mechanic]),
                        "message": f"Text {m}",
                        "timestamp": 1767225600000 + m,
                        "read": False,
                    }
                    for m in range(random.randint(0, 4))
                ],
            )
            yield f"tracking:{booking}", {"lat": 59.30, "lng": 18.1, "timestamp": 1767225600000}
        if status == "completed":
            ms = 1767225700000 + n
            yield f"PAY_{ms}", {"id": f"PAY_{ms}", "bookingId": booking, "amount": 120}
            yield f"review_{ms}", {"id": f"review_{ms}", "providerId": mechanic, "rating": 5}
            lists.setdefault(f"reviews:provider:{mechanic}", []).append(f"review_{ms}")
        for kind, item in (("addresses", "addr"), ("vehicles", "vehicle")):
            yield (
                f"{kind}:u{n}",
                [
                    {"id": f"{item}:{m}", "city": "Oslo", "make": "Volvo", "isDefault": m == 0}
                    for m in range(random.randint(0, 3))
                ],
            )
    yield from lists.items()


def stock(size: int, random: Random) -> Pairs:
    companies = max(2, size // 5)
    for n in range(companies):
        yield f"company:c{n}", {"id": f"c{n}", "name": f"Empresa {n}", "created_at": _time(random)}
        yield f"company_password:c{n}", "$2b$10$abc"
        yield (
            f"zig_product_mappings:c{n}",
            {f"{4006381333931 + sku}": f"p{random.randrange(size)}" for sku in range(n % 4 * 3)},
        )
        yield (
            f"company:c{n}:ratings",
            {
                user: {"stars": random.randint(1, 5), "at": _time(random)}
                for user in _some(random, "u", size, 5)
            },
        )
    for n in range(size):
        company = f"c{random.randrange(companies)}"
        yield (
            f"user:u{n}",
            {
                "id": f"u{n}",
                "email": f"U{n}@example.com",
                "fullName": f"João {n}",
                "role": random.choice(["admin", "operator"]),
                "companyId": random.choice([company, None]),
                "createdAt": _time(random),
            },
        )
        yield f"user:email:u{n}@example.com", random.choice([f"u{n}", {"userId": f"u{n}"}])
        yield (
            f"product:p{n}",
            {
                "id": f"p{n}",
                "companyId": company,
                "name": f"Produto {n}",
                "category": "dry",
                "isPerishable": n % 2 == 0,
                "currentStock": random.choice([10, 2.50]),
                "supplierIds": _some(random, "s", 4, 3),
            },
        )
        yield (
            f"stock-movement:m{n}",
            {
                "id": f"m{n}",
                "productId": f"p{random.randrange(size)}",
                "type": random.choice(["entrada", "saida", "venda"]),
                "quantity": random.randint(1, 9),
                "date": _time(random),
            },
        )
        yield f"recipe:r{n}", {"ingredients": [{"productId": f"p{n}", "quantity": 0.50}]}
        yield f"zig_processed:{company}:{n}:bar:{random.randint(1, 9)}", True
        yield f"zig_revenue_recorded:{company}:t:{n}", {"saleId": f"s{n}", "at": 1767225600000 + n}
        yield f"session:custom_{n}", {"userId": f"u{n}", "expiresAt": _time(random)}
    yield "users:list", [f"u{n}" for n in range(size)]
    yield (
        "notification_log",
        {
            f"product_p{n}_{kind}": DAY % (1, 1 + n % 28)
            for n in range(size)
            for kind in ("low", "out")
        },
    )


EXAMPLES: dict[str, Callable[[int, Random], Pairs]] = {
    "events": events,
    "mechanics": mechanics,
    "stock": stock,
}


def _damaged(value: Any, random: Random) -> Any:
    """The value as a prototype's mistake leaves it."""
    anything: list[Any] = [json.dumps(value), None, [], {}, "[object Object]"]
    if isinstance(value, list):
        anything += [[*value, 7, None], value + value, {str(n): v for n, v in enumerate(value)}]
        anything += [["x" * 300, *value]]
    if isinstance(value, dict) and value:
        field = random.choice(sorted(value))
        anything += [
            [value],
            value | {field: "x" * 300},
            value | {field: 1.0},
            value | {field: None},
        ]
        anything += [value | {"x" * 201: {}, "": value[field]}]
    return random.choice(anything)


def generate(name: str, size: int) -> Pairs:
    """The keys and values of an example of about `size` users."""
    random = Random(f"{name} {size}")  # noqa: S311 - the same every time
    for key, value in EXAMPLES[name](size, random):
        yield key, _damaged(value, random) if random.random() < 1 / 8 else value
    yield "migrated", True
    yield "user:", {"id": ""}


if __name__ == "__main__":
    for key, value in generate(sys.argv[1], int(sys.argv[2])):
        sys.stdout.write(json.dumps({"key": key, "value": value}) + "\n")
