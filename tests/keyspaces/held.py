"""Apps that whoever writes `inspect` does not look at: look at their scores only."""

from __future__ import annotations

from typing import Any

from .values import ABSENT, doc
from .world import World

QUIZ = r"""
room    room:{roomId}       document  both players[]>player answers{}>player
player  player:{playerId}   document  text
"""


def quiz(w: World) -> None:
    for _ in range(w.few(0.4)):
        players = [w.uuid() for _ in range(w.number(1, 6))]
        for player in players:
            fields = doc(id=player, name=w.names()[0], health=w.number(0, 100), maxHealth=100)
            fields |= {"shield": w.number(0, 50), "team": w.pick(["red", "blue"])}
            w.put("player", fields | {"isAlive": w.chance(0.8)}, player)
        room = w.uuid()
        value = doc(
            id=room,
            players=players,
            currentQuestion=w.number(0, 9),
            gamePhase=w.pick(["waiting", "question", "results", "ended"]),
            answers={player: w.number(-1, 3) for player in players if w.chance(0.7)},
            createdAt=w.iso(),
            maxPlayers=w.maybe(0.5, 8),
        )
        # Both codings are usual here: right to be named, and right to be left out
        w.excused.add((w.put("room", value, room), "json_text"))


CLINIC = r"""
user          user:{id}                        document
email         user:email:{email}               scalar    $>user =user
appointment   appointment:{id}                 document  patientId>user doctorId>user
record        medical_record:{id}              document  patientId>user doctorId>user
availability  doctor_availability:{doctorId}   document  {doctorId}>user
initialized   initialized                      scalar
"""


def clinic(w: World) -> None:
    users = [str(i + 1) if i < 10 else str(w.ms()) for i in range(w.size)]
    roles = {user: _role(index) for index, user in enumerate(users)}
    for user, role in roles.items():
        first, last = w.names()
        is_patient = role == "patient"
        value = doc(
            id=user,
            email=w.email(f"{first} {last}"),
            password=w.token(9),
            role=role,
            firstName=first,
            lastName=last,
            phone=w.phone(),
            specialization="Cardiology" if role == "doctor" else ABSENT,
            department="Ward 3" if role == "nurse" else ABSENT,
            bloodType=w.maybe(0.8, "A+") if is_patient else ABSENT,
            emergencyContact=w.maybe(0.6, w.phone()) if is_patient else ABSENT,
            dateOfBirth=w.maybe(0.8, w.date()) if is_patient else ABSENT,
        )
        w.put("user", value, user)
    w.index("email", "user", by="email")
    doctors = [user for user, role in roles.items() if role == "doctor"]
    patients = [user for user, role in roles.items() if role == "patient"]
    for index in range(w.few(1.5)):
        made = f"apt{index + 1}" if index < 5 else f"apt{w.ms()}"
        fields = {"id": made, "patientId": w.pick(patients), "doctorId": w.pick(doctors)}
        fields |= {"date": w.date(), "time": w.clock(), "reason": w.text()}
        w.put("appointment", fields | {"status": w.pick(["scheduled", "completed"])}, made)
    for index in range(w.few(0.9)):
        made = f"rec{index + 1}" if index < 4 else f"rec{w.ms()}"
        fields = {"id": made, "patientId": w.pick(patients), "doctorId": w.pick(doctors)}
        fields |= {"date": w.date(), "diagnosis": w.text(), "prescription": w.text()}
        w.put("record", fields | {"labResults": w.text(), "notes": w.text()}, made)
    for doctor in doctors:
        slots = [
            {"dayOfWeek": day, "startTime": "08:00", "endTime": "12:30"}
            for day in w.some(range(7), 1, 5)
        ]
        leave = [w.date() for _ in range(w.number(0, 3))]
        w.put("availability", {"leaveDates": leave, "slots": slots}, doctor)
    w.put("initialized", "true")


def _role(index: int) -> str:
    if index == 0:
        return "admin"
    return "doctor" if index % 8 == 1 else "nurse" if index % 12 == 2 else "patient"


LOYALTY = r"""
user      user:{id}                     document
product   product:{id}                  document
cart      cart:{userId}                 document  {userId}>user items[].productId>product
coupon    coupon:{CODE}                 document  ~code>coupon
usage     coupon_usage:{CODE}:{userId}  document  {CODE}>coupon {userId}>user orderId>order ~=order
order     order:{id}                    document  userId>user items[].productId>product couponCode>coupon
offers    offers                        document  updatedBy>user ~=offer ~data[].id>offer
offer     offer:{id}                    document
points    points_settings               document
push      push_subscription:{userId}    document  {userId}>user
fcm       fcm_token:{userId}            document  {userId}>user
event     notification_event:{id}       document  userId>user
"""  # noqa: E501


def loyalty(w: World) -> None:
    w.sentinels.add("all-users")
    users = [w.uuid() for _ in range(w.size)]
    for user in users:
        name = w.full_name()
        fields = doc(id=user, email=w.email(name), fullName=name, username=w.handle(name))
        fields |= {"role": "user", "points": w.number(0, 9000), "tier": w.pick(["normal", "vip"])}
        w.put("user", fields | {"createdAt": w.iso()}, user)
        if w.chance(0.3):
            w.put("push", {"subscription": w.push(), "createdAt": w.iso()}, user)
        if w.chance(0.3):
            w.put("fcm", {"token": w.token(140), "createdAt": w.iso()}, user)
    products = [_listed(w, "product") for _ in range(w.few(0.3))]
    coupons = [f"{w.title().split()[0].upper()}{w.number(5, 90)}" for _ in range(w.few(0.08, 6))]
    for code in dict.fromkeys(coupons):
        is_share = w.chance(0.6)
        fields = doc(code=code, discountType="percentage" if is_share else "point_value")
        fields |= {"discountPercent": w.number(5, 50) if is_share else None}
        fields |= {"pointValueDiscount": None if is_share else w.number(100, 900)}
        fields |= {"active": w.chance(0.7), "expiresAt": w.either(0.5, w.iso())}
        w.put("coupon", fields | {"createdAt": w.iso()}, code)
    for user in w.some(users, w.few(0.6), w.few(0.6)):
        value = doc(items=_lines(w, products, 0), updatedAt=w.maybe(0.8, w.iso()))
        w.put("cart", value, user)
    for _ in range(w.size):
        _bought(w, w.pick(users), products, w.pick(coupons))
    w.index(
        "usage",
        "order",
        by="couponCode",
        locate=lambda segments, row, code: (code, row["userId"]),
        give=lambda key, segments, row: {"orderId": key, "usedAt": row["createdAt"]},
        is_planted=False,
    )
    offers = [_listed(w, "offer") for _ in range(w.few(0.05, 4))]
    old = [{"id": str(i + 1), "title": w.title(), "discount": 10} for i, _ in enumerate(offers)]
    w.put("offers", {"data": old, "updatedAt": w.iso(), "updatedBy": w.pick(users)})
    w.put("points", {"pointPrice": 0.1, "updatedAt": w.iso()})
    for _ in range(w.few(0.6)):
        fields = doc(type="push", userId=w.pick(users) if w.chance(0.8) else "all-users")
        fields |= {"title": w.title(), "body": w.text(), "url": "/orders", "provider": "web"}
        w.put("event", fields | {"receivedAt": w.iso()}, f"{w.ms()}-{w.rand(6)}")


def _listed(w: World, alias: str) -> str:
    made = f"{w.ms()}-{w.rand()}"
    fields = doc(id=f"{alias}:{made}", createdAt=w.iso(), updatedAt=w.maybe(0.5, w.iso()))
    fields |= {"name": w.title(), "price": w.amount(), "pointPrice": w.number(10, 900)}
    return w.put(alias, fields | {"image": w.url()}, made)


def _lines(w: World, products: list[str], least: int) -> list[dict[str, Any]]:
    return [
        {"productId": p if w.chance(0.9) else p.split(":")[1], "quantity": w.number(1, 3)}
        for p in w.some(products, least, 3)
    ]


def _bought(w: World, user: str, products: list[str], code: str) -> None:
    ms = w.ms()
    made, is_cut, is_off = f"{ms}-{w.rand()}", w.chance(0.3), w.chance(0.1)
    is_cut = is_cut and not any(
        (row["userId"], row.get("couponCode")) == (user, code) for _, _, row in w.of("order")
    )
    value = doc(
        id=f"order:{made}",
        userId=user,
        userEmail=w.email(w.full_name()),
        discordUsername=w.handle(w.full_name()),
        codGameId=w.digits(9),
        items=_lines(w, products, 1),
        total=w.amount(),
        discountedTotal=w.amount(),
        pointsTotal=w.number(0, 900),
        pointsDeducted=w.number(0, 900),
        couponCode=code if is_cut else ABSENT,
        paymentType=w.pick(["points", "card", "partial"]),
        partialAmount=w.amount(),
        remainingAmount=w.amount(),
        paymentStatus="paid",
        status="cancelled" if is_off else w.pick(["pending", "done"]),
        createdAt=w.iso(ms),
        cancelledAt=w.later(ms) if is_off else ABSENT,
        updatedAt=w.maybe(0.4, w.later(ms)),
    )
    w.put("order", value, made)


FREELANCE = r"""
project   project:{id}      document
hosting   hosting:{id}      document
password  password:{id}     document  category>category
category  category:{id}     document
codex     codex:{id}        document
log       log:{id}          document  item_id>hosting item_id>project item_id>password item_id>codex ~new_data.id>hosting ~new_data.id>project ~new_data.id>password ~new_data.id>codex ~old_data.id>hosting ~old_data.id>project ~old_data.id>password ~old_data.id>codex ~new_data.category>category ~old_data.category>category
settings  email_settings    document
notified  notification_log  map       ~{}>hosting
"""  # noqa: E501


def freelance(w: World) -> None:
    categories = [f"cat-{index + 1}" for index in range(w.few(0.04, 5))]
    for category in categories:
        fields = doc(id=category, name=w.title(), color=f"#{w.hex(6)}")
        w.put("category", fields, category)
        w.sentinels.add(fields["name"])
    names = sorted(w.sentinels)
    for _ in range(w.few(0.5)):
        fields = doc(id=str(w.ms()), name=w.title(), customer=w.full_name(), createdAt=w.date())
        fields |= {"customerPhone": w.phone(), "adminUrl": "https://example.com/wp-admin"}
        fields |= {"adminUsername": "admin", "adminPassword": w.token(10), "price": w.amount(9000)}
        state = w.pick(["planning", "in-progress", "completed", "on-hold"])
        w.put("project", fields | {"status": state, "description": w.text()}, fields["id"])
    for _ in range(w.few(0.5)):
        fields = doc(id=str(w.ms()), name=w.title(), domain=f"{w.slug()}.example", price=w.amount())
        fields |= {"provider": w.title(), "registrationDate": w.date(), "expirationDate": w.date()}
        fields |= doc(notes=w.maybe(0.5, w.text()), createdAt=w.maybe(0.5, w.date()))
        w.put("hosting", fields | {"status": w.pick(["active", "expiring"])}, fields["id"])
    for _ in range(w.few(0.7)):
        fields = doc(id=str(w.ms()), title=w.title(), username=w.handle("Ana B"), website=w.url())
        fields |= {"password": w.token(12), "notes": w.text(), "createdAt": w.date()}
        category = w.pick(categories) if w.chance(0.9) else w.pick(names)
        w.put("password", fields | {"category": category}, fields["id"])
    for _ in range(w.few(0.2)):
        fields = doc(id=str(w.ms()), title=w.title(), content=w.text(20, 60), language="php")
        w.put("codex", fields, fields["id"])
    items = {
        module: [(segments[0], row) for _, segments, row in w.of(module)]
        for module in ("hosting", "project", "password", "codex")
    }
    for _ in range(min(200, w.size)):
        _logged(w, items)
    w.put("settings", {"host": "smtp.example.com", "port": 587, "apiKey": w.token(32)})
    hostings = w.some([item for item, _ in items["hosting"]], 5, 20)
    w.put("notified", {f"hosting_{h}_{w.pick(['30', '7'])}days": w.date() for h in hostings})


def _logged(w: World, items: dict[str, list[tuple[str, Any]]]) -> None:
    module = w.pick(list(items))
    item, row = w.pick(items[module])
    action = w.pick(["create", "update", "update", "delete"]) if w.chance(0.5) else "update"
    if action == "delete":
        item = str(w.ms())  # it is gone, and its log tells of it
        row = row | {"id": item}
    old, new = (None if action == skipped else row for skipped in ("create", "delete"))
    made = str(w.ms())
    fields = doc(id=made, action_type=action, module_name=module, item_id=item, user="admin")
    fields |= {"item_name": w.title(), "old_data": old, "new_data": new, "created_at": w.iso()}
    key = w.put("log", fields, made)
    w.excused |= {(key, "dangling")} if action == "delete" else set()
