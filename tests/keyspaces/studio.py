"""Slips of an after-care school, and studios that are booked: what their keys and values are."""

from __future__ import annotations

from typing import Any

from .values import ABSENT, doc
from .world import World

SLIPS = r"""
user          user:{firstname...}:{lastname}:{userId}  document  by:userId firstname~[^:]+(?::[^:]+)?
slip          zettel:{userId}:{id}                     document  userId>user ~{userId}>user
template      template:{userId}:{templateId}           document  {userId}>user
message       message:{id}                             document  senderId>user id~msg_\d+_\w+
reset         message:{ms}-{rand}                      document  ms~\d+ rand~\w+
announcement  announcement:{id}                        document
settings      app:settings                             document
installed     app:pwa_settings                         document
manifest      app:manifest                             document
access        settings                                 document
school        school-name                              scalar
logo          app-logo                                 scalar
times         time-restrictions                        document
legal         legal-settings                           document
design        form-design-settings                     document
"""  # noqa: E501
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]
CLASSES = ["1a", "1b", "2a", "2b", "3a", "4"]


def slips(w: World) -> None:
    users = [w.uuid() for _ in range(w.size)]
    w.sentinels |= {f"betreuer:{name}" for name in CLASSES}
    for index, user in enumerate(users):
        first, last = w.names()
        first = f"{first} Maria" if index % 9 == 4 else f"Dr:{first}" if index % 41 == 40 else first
        role = "parent" if index > 3 else w.pick(["admin", "betreuer"])
        family = doc({"children": [{"name": w.names()[0], "class": w.pick(CLASSES)}]})
        family |= {"parentPhone": w.phone()} if w.chance(0.5) else {}
        value = doc(
            userId=user,
            id=user if role == "admin" else ABSENT,
            firstName=first,
            lastName=last,
            email=w.maybe(0.7, w.email(f"{first} {last}")),
            childProfile=w.either(0.6, {"name": w.names()[0], "class": w.pick(CLASSES)}, {}),
            familyProfile=w.pick([family, {}, ABSENT]),
            role=role,
            adminPasswordNote=w.maybe(0.1, w.token(8)),
            createdAt=w.iso(),
            updatedAt=w.maybe(0.5, w.iso()),
        )
        w.put("user", value, first.lower(), last.lower(), user)
    for _ in range(w.few(2.5)):
        user, made = w.pick(users), w.uuid() if w.chance(0.7) else str(w.ms())
        w.put("slip", _slip(w, user, made), user, made)
    for _ in range(w.few(0.4)):
        user, made = w.pick(users), w.uuid()
        value = {"id": made, "name": w.title(), "class": w.pick(CLASSES)} | _week(w)
        w.put("template", value | {"createdAt": w.iso()}, user, made)
    for _ in range(w.few(0.8)):
        _written(w, users)
    for _ in range(w.few(0.1, 4)):
        ms, rand = w.ms(), w.rand()
        fields = {"senderType": "system", "senderName": "System", "subject": "Passwort"}
        fields |= {"id": f"message:{ms}-{rand}", "message": w.text(), "timestamp": w.iso(ms)}
        w.put("reset", fields | {"read": w.chance(0.5)}, ms, rand)
    for _ in range(w.few(0.08, 4)):
        made = f"{w.ms()}"
        fields = {"id": made, "title": w.title(), "content": w.text(), "createdBy": w.full_name()}
        w.put("announcement", fields | {"createdAt": w.iso()}, made)
    _settled(w)


def _week(w: World) -> dict[str, Any]:
    times = ["13:00", "14:30", "16:00", "andere"]
    chosen = {day: w.pick(times) for day in DAYS}
    others = {f"{day}Other": w.either(chosen[day] == "andere", w.text(), "") for day in DAYS}
    return chosen | others | {"canGoHomeAlone": w.pick(["ja", "nein"]), "canGoHomeAloneOther": ""}


def _slip(w: World, user: str, made: str) -> dict[str, Any]:
    ms, is_old = w.ms(), w.chance(0.5)
    return doc(
        {"id": made, "userId": user, "childName": w.full_name(), "class": w.pick(CLASSES)},
        _week(w),
        {f"{day}Edits": w.number(0, 3) for day in DAYS},
        weekNumber=w.number(1, 53),
        year=w.number(2023, 2025),
        status="archiviert" if is_old else "aktiv",
        createdAt=w.iso(ms),
        updatedAt=w.later(ms),
        archivedAt=w.later(ms) if is_old else ABSENT,
    )


def _written(w: World, users: list[str]) -> None:
    ms = w.ms()
    is_parent = w.chance(0.75)
    is_answered = w.chance(0.4)
    made = f"msg_{ms}_{w.rand()}"
    value = doc(
        id=made,
        senderId=w.pick(users) if is_parent else f"betreuer:{w.pick(CLASSES)}",
        senderName=w.full_name(),
        senderType="parent" if is_parent else "betreuer",
        subject=w.title(),
        message=w.text(),
        status="beantwortet" if is_answered else w.pick(["ungelesen", "gelesen"]),
        createdAt=w.iso(ms),
        readAt=w.maybe(0.5, w.later(ms)),
        adminReply=w.text() if is_answered else ABSENT,
        repliedAt=w.later(ms) if is_answered else ABSENT,
        replyRead=w.chance(0.5) if is_answered else ABSENT,
    )
    w.put("message", value, made)


def _settled(w: World) -> None:
    """The keys of which there is one."""
    texts = {word: w.text() for word in ("welcome", "footer", "login", "help", "empty", "sent")}
    themes = [{"name": w.title(), "primary": "#ff8800"} for _ in range(3)]
    value = doc({"schoolName": "Schule am Weiß-See", "classes": CLASSES, "colorThemes": themes})
    value |= {"timeOptions": ["13:00", "14:30", "16:00"], "content": texts}
    w.put("settings", value)
    w.put("installed", {"name": w.title(), "enabled": True, "color": "#ff8800"})
    icons = [{"src": w.url("icon"), "sizes": "192x192"}]
    w.put("manifest", {"name": w.title(), "icons": icons, "display": "standalone"})
    w.put("access", {"betreuerPassword": w.token(8), "isOpen": True})
    w.put("school", "Schule am Weiß-See")
    w.put("logo", f"data:image/png;base64,{w.token(3000)}")
    w.put("times", {"enabled": True, "from": "07:00", "to": "18:00", "days": DAYS})
    w.put("legal", {"imprint": w.text(90, 120), "privacy": w.text(150, 200)})
    w.put("design", {"font": "serif", "columns": 2, "showLogo": True})


STUDIO = r"""
org           org:{orgId}                                  document  parent_org_id>org
slug          org_slug:{slug}                              scalar    $>org =org
member        org_user:{orgId}:{userId}                    document  org_id>org ~{orgId}>org
membership    org_user_index:{userId}:{orgId}              scalar    {orgId}>org =member
orgs          user_orgs:{userId}                           objects   [].id>org ~[].parent_org_id>org ~[].slug>org ~[].slug>slug =org ~=member
customer      customer_profile:{userId}                    document
booking       booking:{id}                                 document  userId>customer
wallet        wallet:{orgId}:{customerId}:{kind}           document  org_id>org user_id>customer ~{orgId}>org ~{customerId}>customer by:id
wallet_key    wallet_id:{walletId}                         scalar    $>wallet ~{walletId}>wallet =wallet
ledger        ledger:{walletId}:{entryId}                  document  wallet_id>wallet ~{walletId}>wallet ~wallet_id>wallet_key ~{walletId}>wallet_key
payment       payment:{id}                                 document  ~reference>qrbill
order         payment_order:{orderId}                      scalar    $>payment =payment
pay_settings  payment_settings:{orgId}                     document  {orgId}>org
qrbill        qrbill:{id}                                  document
thread        thread:{id}                                  document  organization_id>org
thread_member thread_member:{threadId}:{userId}            document  thread_id>thread ~{threadId}>thread
message       message:{id}                                 document  thread_id>thread
moderation    moderation:{id}                              document  message_id>message
notification  notification:{id}                            document
notified      user_notification:{userId}:{notificationId}  document  {notificationId}>notification ~id>notification =notification
communication communication:{orgId}:{id}                   document  {orgId}>org ~org_id>org
template      template:{orgId}:{id}                        document  {orgId}>org
program       program:{id}                                 document  org_id>org
pbooking      program_booking:{id}                         document  program_id>program customer_id>customer
psession      program_session:{id}                         document  booking_id>pbooking
retreat       retreat:{id}                                 document
application   retreat_application:{id}                     document  retreat_id>retreat ~customer_id>customer
lead          retreat_lead:{id}                            document
sequence      email_sequence:{leadId}                      document  {leadId}>lead
location      location:{orgId}:{id}                        document  {orgId}>org
"""  # noqa: E501


def studio(w: World) -> None:
    orgs = [w.uuid() for _ in range(w.few(0.08, 6))]
    staff = [w.uuid() for _ in range(w.few(0.3))]
    customers = [w.uuid() for _ in range(w.size)]
    for index, (org, slug) in enumerate(zip(orgs, w.slugs(len(orgs)), strict=True)):
        _org(w, org, slug, w.pick(orgs[:index]) if index and w.chance(0.4) else None)
    w.index("slug", "org", by="slug")
    for user in staff:
        for org in w.some(orgs, 1, 2):
            _hired(w, org, user)
    w.index(
        "membership", "member", locate=lambda segments, *_: segments[::-1], give=lambda *_: True
    )
    copies = {segments[0]: row for _, segments, row in w.of("org")}
    w.index(
        "orgs",
        "member",
        locate=lambda segments, *_: (segments[1],),
        give=lambda key, segments, row: copies[segments[0]],
        drift="status",
        is_planted=False,
    )
    for user in customers:
        _customer(w, user)
    _paid(w, orgs, staff, customers)
    _said(w, orgs, staff)
    _offered(w, orgs, staff, customers)


def _org(w: World, org: str, slug: str, parent: str | None) -> None:
    rate = {"vat_rate": 7.7, "twint_enabled": w.chance(0.6), "stripe_enabled": w.chance(0.5)}
    value = {
        "id": org,
        "name": w.title(),
        "slug": slug,
        "type": "studio" if parent else "brand",
        "parent_org_id": parent,
        "currency": "CHF",
        "timezone": "Europe/Zurich",
        "primary_locale": "de-CH",
        "settings": {"languages": ["de", "fr"], "default_language": "de", **rate},
        "status": w.pick(["active", "active", "trial", "closed"]),
        "created_at": w.iso(),
        "updated_at": w.iso(),
        "role": "owner",
        "permissions": {"manage": True, "read": True},
    }
    w.put("org", value, org)
    bank = {"bank_account": {"iban": "CH" + w.digits(19)}, "tax_inclusive": w.chance(0.5)}
    w.put("pay_settings", {**bank, "created_at": w.iso(), "updated_at": w.iso()}, org)
    for _ in range(w.number(1, 4)):
        location = {"name": w.title(), "capacity": w.number(5, 30), "city": w.title()}
        w.put("location", location, org, w.uuid())
        made = w.uuid()
        fields = {"id": made, "name": w.title(), "subject": w.text(), "body": w.text(10, 40)}
        w.put("template", fields, org, made)
        made = f"comm_{w.ms()}_{w.rand()}"
        fields = {"id": made, "org_id": org, "subject": w.text(), "body": w.text(10, 40)}
        w.put("communication", fields | {"status": "sent", "created_at": w.iso()}, org, made)


def _hired(w: World, org: str, user: str) -> None:
    value = doc(
        org_id=org,
        user_id=user,
        role=w.pick(["owner", "instructor", "desk"]),
        location_scope=[],
        permissions=w.pick([["read", "write"], {"read": True}]),
        status="active",
        joined_at=w.iso(),
    )
    if w.chance(0.3):
        value |= {"id": w.uuid(), "is_active": True, "created_at": w.iso()}
    w.put("member", value, org, user)


def _customer(w: World, user: str) -> None:
    first, last = w.names()
    likes = {"yogaStyles": w.some(["hatha", "yin", "flow"], 0, 2), "difficulty": "all"}
    value = {
        "id": user,
        "email": w.email(f"{first} {last}"),
        "firstName": first,
        "lastName": last,
        "language": w.pick(["de", "fr", "en"]),
        "membershipType": w.pick(["none", "monthly"]),
        "creditsBalance": w.number(0, 20),
        "upcomingBookings": w.number(0, 3),
        "totalClasses": w.number(0, 90),
        "favoriteStudios": [],
        "favoriteInstructors": [],
        "preferences": {**likes, "notifications": {"email": True, "push": w.chance(0.5)}},
    }
    w.put("customer", value, user)


def _paid(w: World, orgs: list[str], staff: list[str], customers: list[str]) -> None:
    for _ in range(w.few(0.9)):
        made = f"booking_{w.ms()}"
        value = {"id": made, "userId": w.pick(customers), "classId": w.uuid(), "price": w.amount()}
        value |= {"status": "confirmed", "paymentMethod": w.pick(["credits", "twint"])}
        w.put("booking", value | {"bookedAt": w.iso()}, made)
    for user in w.some(customers, w.few(0.6), w.few(0.6)):
        _wallet(w, w.pick(orgs), user, w.pick(staff))
    w.index(
        "wallet_key",
        "wallet",
        locate=lambda segments, row, _: (row["id"],),
        give=lambda key, *_: key,
    )
    for _ in range(w.few(0.5)):
        if w.chance(0.5):
            made = f"twint_{w.ms()}_{w.rand()}"
            value = {"id": made, "amount": w.amount(), "currency": "CHF", "reference": w.rand(12)}
            value |= {"status": "pending", "qrCode": w.token(60), "expiresAt": w.iso()}
            w.put("payment", value | {"createdAt": w.iso()}, made)
            continue
        made = f"qrbill_{w.ms()}_{w.rand()}"
        value = {"id": made, "order_id": w.uuid(), "amount_cents": w.number(500, 90000)}
        value |= {"currency": "CHF", "method": "qr", "provider": "bank", "status": "paid"}
        value |= {"provider_transaction_id": w.token(16), "metadata": {"note": w.text()}}
        w.put("payment", value | {"created_at": w.iso(), "updated_at": w.iso()}, made)
    w.index("order", "payment", by="order_id")
    for _ in range(w.few(0.15)):
        made = f"qrbill_{w.ms()}"
        creditor = {"name": w.title(), "address": w.text(2, 3), "postalCode": w.digits(4)}
        value = {"id": made, "amount": w.amount(), "currency": "CHF", "reference": w.digits(27)}
        value |= {"creditor": creditor, "iban": "CH" + w.digits(19), "qrCodeData": w.token(120)}
        w.put("qrbill", value | {"description": w.text()}, made)


def _wallet(w: World, org: str, user: str, by: str) -> None:
    made, kind = f"wallet_{w.ms()}_{w.rand()}", w.pick(["credits", "credits", "gift"])
    shared = {"metadata": {"created_by": by, "notes": ""}, "status": "active", "currency": "CHF"}
    ids = {"id": made, "org_id": org, "owner_type": "customer", "user_id": user, "kind": kind}
    held = {"balance_cents": w.number(0, 50000), "credits": w.number(0, 20)}
    w.put(
        "wallet",
        ids | shared | held | {"created_at": w.iso(), "updated_at": w.iso()},
        org,
        user,
        kind,
    )
    for _ in range(w.number(0, 5)):
        entry = f"ledger_{w.ms()}_{w.rand()}"
        fields = doc({"id": entry, "wallet_id": made, "timestamp": w.iso(), "reason": w.text()})
        fields |= {"entry_type": w.pick(["credit", "debit"]), "amount_cents": w.number(0, 9000)}
        fields |= {"credits_delta": w.number(-3, 10)}
        spoken = {"description": w.text(), "initiated_by": by}
        w.put("ledger", fields | {"metadata": spoken}, made, entry)


def _said(w: World, orgs: list[str], staff: list[str]) -> None:
    for _ in range(w.few(0.2, 5)):
        thread = f"thread_{w.ms()}{w.rand()}"
        count = w.number(1, 8)
        value = doc(
            id=thread,
            organization_id=w.pick(orgs),
            type=w.pick(["class", "group"]),
            title=w.title(),
            context_id=w.maybe(0.3, w.uuid()),
            created_by=w.pick(staff),
            visibility="members",
            locked=False,
            archived=w.chance(0.1),
            message_count=count,
            last_message_at=w.iso(),
            created_at=w.iso(),
            auto_created=w.maybe(0.2, True),
        )
        w.put("thread", value, thread)
        for user in w.some(staff, 2, 6):
            fields = doc(
                {"id": f"member_{w.ms()}_{w.rand()}", "thread_id": thread, "user_id": user}
            )
            fields |= {"role": w.pick(["admin", "member"]), "joined_at": w.iso(), "muted": False}
            fields |= {"last_read_at": w.iso(), "notifications_enabled": w.chance(0.8)}
            w.put("thread_member", fields, thread, user)
        for _ in range(count):
            _posted(w, thread, staff)
    for _ in range(w.few(0.8)):
        made = f"notif_{w.ms()}_{w.rand()}"
        fields = {"id": made, "user_id": w.pick(staff), "type": "booking", "priority": "normal"}
        fields |= {"title": w.title(), "message": w.text(), "timestamp": w.iso()}
        w.put("notification", fields | {"read": w.chance(0.5), "source": "system"}, made)
    w.index(
        "notified",
        "notification",
        by="user_id",
        locate=lambda segments, row, user: (user, segments[0]),
        give=lambda key, segments, row: row,
        drift="read",
    )


def _posted(w: World, thread: str, staff: list[str]) -> None:
    made = f"message_{w.ms()}_{w.rand()}"
    body = w.text()
    fields = doc({"id": made, "thread_id": thread, "sender_id": w.pick(staff), "body": body})
    fields |= {"body_html": f"<p>{body}</p>", "attachments": [], "created_at": w.iso()}
    first = {"deleted_at": w.maybe(0.1, w.iso()), "is_welcome_message": w.maybe(0.1, True)}
    w.put("message", doc(fields, first, flagged=False), made)
    if w.chance(0.2):
        report = f"report_{w.ms()}_{w.rand()}"
        fields = {"id": report, "message_id": made, "reporter_id": w.pick(staff)}
        fields |= {"reason": w.text(), "state": w.pick(["pending", "resolved"])}
        w.put("moderation", fields | {"created_at": w.iso()}, report)


def _offered(w: World, orgs: list[str], staff: list[str], customers: list[str]) -> None:
    programs = []
    for slug in w.slugs(w.few(0.12, 5)):
        programs.append(made := f"program_{w.ms()}_{w.rand()}")
        ids = {"id": made, "org_id": w.pick(orgs), "instructor_id": w.pick(staff), "slug": slug}
        fields = doc(title=w.title(), summary=w.text(), visibility="public")
        by = {"is_active": True, "created_at": w.iso(), "created_by": w.pick(staff)}
        w.put("program", ids | fields | by, made)
    for _ in range(w.few(0.4)):
        made = f"booking_{w.ms()}_{w.rand()}"
        ids = {"id": made, "program_id": w.pick(programs), "variant_id": w.uuid()}
        ids |= {"customer_id": w.pick(customers), "instructor_id": w.pick(staff)}
        fields = {
            "status": w.pick(["booked", "done"]),
            "total_price": w.amount(),
            "currency": "CHF",
        }
        fields |= {"payment_status": "paid", "source": "web", "intake_responses": {"q1": w.text()}}
        fields |= {"customer_notes": w.text(), "private_link_token": w.uuid(), "booked_at": w.iso()}
        w.put("pbooking", ids | fields | {"created_at": w.iso()}, made)
        for _ in range(w.number(0, 2)):
            session = f"session_{w.ms()}_{w.rand()}"
            fields = {"id": session, "booking_id": made, "starts_at": w.iso(), "status": "planned"}
            w.put("psession", fields, session)
    retreats = [f"retreat_{w.ms()}_{w.rand()}" for _ in range(w.few(0.05, 4))]
    for retreat in retreats:
        w.put("retreat", {"id": retreat, "title": w.title(), "price": w.amount()}, retreat)
    for _ in range(w.few(0.15)):
        made = f"app_{w.ms()}_{w.rand()}"
        ids = {"id": made, "retreat_id": w.pick(retreats), "session_id": w.uuid()}
        ids |= {"customer_id": w.pick(customers), "status": "open", "room_type": "double"}
        sums = {name: w.amount() for name in ("total_price", "deposit_amount", "remaining_balance")}
        w.put("application", doc(ids, sums) | {"application_data": {"diet": w.text()}}, made)
    for _ in range(w.few(0.15)):
        made = f"lead_{w.ms()}_{w.rand()}"
        fields = {"id": made, "email": w.email(w.full_name()), "source": "web"}
        w.put("lead", fields | {"created_at": w.iso()}, made)
        mails = {"step": w.number(0, 5), "next_at": w.iso(), "is_stopped": w.chance(0.2)}
        w.put("sequence", mails, made)
