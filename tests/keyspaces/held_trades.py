"""Two of the apps that are held back: see `held`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from .values import doc
from .world import World

MARKET = r"""
product_review  product_review:{reviewId}          document  text ~product_id>product_rating
product_rating  product_rating:{productId}         document  text ~=product_review ~product_id>product_rating
seller_review   seller_review:{reviewId}           document  text ~seller_id>seller_rating
seller_rating   seller_rating:{sellerId}           document  text ~=seller_review ~seller_id>seller_rating
response        review_response:{id}               document  text review_id>product_review review_id>seller_review ~seller_id>seller_rating
kyc             kyc_verification:{id}              document  text ~user_id>user_kyc
user_kyc        user_kyc:{userId}                  document  text verification_id>kyc ~=kyc
privacy         privacy_settings:{userId}          document  text
suspension      user_suspension:{userId}           document  text
dispute         escrow_dispute:{id}                document  text
resolution      escrow_resolution:{disputeId}      document  text dispute_id>dispute ~{disputeId}>dispute
ticket          support_ticket:{id}                document  text
escalation      support_escalation:{id}            document  text
tracking        order_tracking:{orderId}           document  text
admin_log       admin_log:{ms}                     document  text ~review_id>product_review ~dispute_id>dispute
security_log    security_log:{ms}                  document  text ~verification_id>kyc
chatbot_log     chatbot_log:{ms}                   document  text
otp             otp:{phone}                        scalar
otp_limit       otp_rate_limit:{phone}             scalar
"""  # noqa: E501


def market(w: World) -> None:
    users = [w.uuid() for _ in range(w.size)]
    products, sellers = ([w.uuid() for _ in range(w.few(share))] for share in (0.3, 0.1))
    reviews = _reviewed(w, users, products, sellers)
    for user in w.some(users, w.few(0.5), w.few(0.5)):
        made = f"kyc_{w.ms()}_{w.rand()}"
        submitted_at = w.iso()
        state = w.pick(["pending", "verified", "rejected"])
        images = {f"{side}_image": w.url("kyc") for side in ("id_front", "id_back", "selfie")}
        fields = doc(id=made, user_id=user, id_type="passport", id_number="****1234")
        fields |= {"status": state, "submitted_at": submitted_at, "expires_at": w.iso()}
        w.put("kyc", fields | images, made)
    w.index("user_kyc", "kyc", by="user_id", give=_latest, is_planted=False)
    for user in w.some(users, w.few(0.6), w.few(0.6)):
        fields = doc(user_id=user, data_sharing=w.chance(0.5), profile_visibility="public")
        fields |= {"marketing_communications": w.chance(0.5), "updated_at": w.iso()}
        w.put("privacy", fields, user)
    for user in w.some(users, w.few(0.06), w.few(0.06)):
        fields = doc(user_id=user, suspended_by=w.uuid(), reason=w.text(), status="active")
        fields |= {"duration": w.pick([7, 30, "indefinite"]), "suspended_at": w.iso()}
        w.put("suspension", fields | {"expires_at": w.either(0.5, w.iso())}, user)
    _watched(w, users, reviews)


def _latest(key: str, segments: tuple[str, ...], row: Any) -> dict[str, Any]:
    fields = {name: row[name] for name in ("status", "submitted_at")}
    return {"verification_id": segments[0], **fields}


def _reviewed(w: World, users: list[str], products: list[str], sellers: list[str]) -> list[str]:
    made = []
    for index in range(w.few(1.8)):
        is_product = index % 3 < 2
        review = f"{'' if is_product else 'seller_'}review_{w.ms()}_{w.rand()}"
        fields = doc(id=review, user_id=w.pick(users), user_name=w.full_name())
        fields |= {"rating": w.number(1, 5), "comment": w.text(), "created_at": w.iso()}
        if is_product:
            fields |= {"product_id": w.pick(products), "verified_purchase": w.chance(0.7)}
            fields |= {"updated_at": w.iso(), "helpful_count": w.number(0, 30)}
        else:
            parts = {part: w.number(1, 5) for part in ("communication", "shipping", "overall")}
            fields |= {"seller_id": w.pick(sellers), "categories": parts}
        alias = "product_review" if is_product else "seller_review"
        w.put(alias, fields | {"status": w.pick(["published", "hidden"])}, review)
        made.append(review)
        if w.chance(0.25):
            answer = f"response_{w.ms()}_{w.rand()}"
            fields = {"id": answer, "review_id": review, "seller_id": w.pick(sellers)}
            fields |= {"seller_name": w.title(), "response": w.text(), "created_at": w.iso()}
            w.put("response", fields, answer)
    for product in sorted({row["product_id"] for _, _, row in w.of("product_review")}):
        spread = {str(stars): w.number(0, 9) for stars in range(1, 6)}
        fields = doc(product_id=product, average_rating=w.amount(5), rating_breakdown=spread)
        w.put("product_rating", fields | {"total_reviews": sum(spread.values())}, product)
    for seller in sorted({row["seller_id"] for _, _, row in w.of("seller_review")}):
        means = {part: w.amount(5) for part in ("communication", "shipping")}
        fields = doc(seller_id=seller, average_rating=w.amount(5), total_reviews=w.number(1, 9))
        w.put("seller_rating", fields | {"category_averages": means}, seller)
    return made


def _watched(w: World, users: list[str], reviews: list[str]) -> None:
    disputes = []
    for _ in range(w.few(0.15)):
        disputes.append(made := f"dispute_{w.ms()}_{w.rand()}")
        fields = doc(id=made, order_id=f"ORD-{w.digits(8)}", reason=w.text())
        w.put("dispute", fields | {"status": w.pick(["open", "resolved"])}, made)
        if w.chance(0.6):
            fields = doc(dispute_id=made, resolved_by=w.uuid(), resolution="split")
            fields |= {"buyer_refund": w.amount(), "seller_payout": w.amount()}
            fields |= {"admin_notes": w.text(), "resolved_at": w.iso(), "status": "resolved"}
            w.put("resolution", fields, made)
    for _ in range(w.few(0.2)):
        made, name = f"ticket_{w.ms()}_{w.rand()}", w.full_name()
        fields = doc(id=made, name=name, email=w.email(name), subject=w.title(), message=w.text())
        fields |= {"category": "order", "priority": "normal", "status": "open", "responses": []}
        dated = {"created_at": w.iso(), "updated_at": w.iso(), "assigned_to": None}
        w.put("ticket", fields | dated, made)
    for _ in range(w.few(0.08)):
        made = f"escalation_{w.ms()}_{w.rand()}"
        fields = doc(id=made, user_id=w.either(0.6, w.pick(users)), reason=w.text())
        fields |= {"assigned_agent": None, "estimated_response_time": "2 hours"}
        w.put("escalation", fields, made)
    for _ in range(w.few(0.5)):
        order = f"ORD-{w.digits(8)}"
        history = [
            doc(
                status=w.pick(["created", "moving", "there"]),
                description=w.text(),
                timestamp=w.iso(),
                location=w.title(),
                courier_update=w.maybe(0.5, True),
            )
            for _ in range(w.number(1, 5))
        ]
        fields = doc(order_id=order, tracking_number=w.token(12).upper(), courier_service="DHL")
        fields |= {"status": "moving", "estimated_delivery": w.date(), "tracking_history": history}
        w.put("tracking", fields | {"created_at": w.iso(), "updated_at": w.iso()}, order)
    products = [review for review in reviews if review.startswith("review_")]
    for _ in range(w.few(0.4)):
        about: dict[str, Any] = {"review_id": w.pick(products), "action": "review_hidden"}
        if w.chance(0.3):
            about = {"dispute_id": w.pick(disputes), "action": "dispute_resolved"}
        elif w.chance(0.3):
            about = {"target_user_id": w.pick(users), "action": "user_suspended"}
        w.put("admin_log", about | {"admin_id": w.uuid(), "timestamp": w.iso()}, w.ms())
    checks = [segments[0] for _, segments, _ in w.of("kyc")]
    for _ in range(w.few(0.4)):
        fields = doc(event_type="login", user_id=w.pick(users), timestamp=w.iso())
        if w.chance(0.3):
            fields |= {"event_type": "kyc_submitted", "verification_id": w.pick(checks)}
        w.put("security_log", doc(fields, ip_address=w.maybe(0.5, f"10.0.0.{w.digits(2)}")), w.ms())
    for _ in range(w.few(0.4)):
        fields = {"session_id": w.rand(12), "user_id": w.either(0.6, w.pick(users)), "actions": []}
        fields |= {"user_message": w.text(), "bot_response": w.text(), "timestamp": w.iso()}
        w.put("chatbot_log", fields, w.ms())
    for _ in range(w.few(0.2)):
        phone = w.phone()
        w.put("otp", w.digits(6), phone)
        w.put("otp_limit", str(w.number(1, 5)), phone)


APPLIANCES = r"""
order        order:{orderId}                          document  items[].id>product ~postgres_id>metadata ~order_number>by_number
by_number    order_by_number:{orderNumber}            document  =order ~id>order ~order_number>order ~items[].id>product ~postgres_id>metadata
by_customer  order_by_customer:{customerId}:{orderId} document  {orderId}>order =order ~=by_number ~id>order ~order_number>order ~order_number>by_number ~items[].id>product ~postgres_id>metadata
items        order_items:{orderId}                    objects   [].order_id>order [].product_id>product ~{orderId}>order ~=order
history      order_status_history:{orderId}           objects   [].order_id>order ~{orderId}>order ~{orderId}>metadata
metadata     order_metadata:{postgresId}              document  ~{postgresId}>order
product      product:{id}                             document
moving       moving_request:{requestNumber}           document
contact      contact_{ms}_{rand}                      document  ms~\d+ rand~\w+
sell         sell-request:user:{userId}:{id}          document
favorites    favorites:{userId}                       mixed     ~[]>product ~items[]>product
cart         cart:{userId}                            document  ~items[].product_id>product
"""  # noqa: E501


def appliances(w: World) -> None:
    products = [w.uuid() for _ in range(w.few(0.5))]
    for product in products:
        fields = doc(id=product, status=w.pick(["in_storage", "sold"]), updated_at=w.iso())
        w.put("product", fields | {"title": w.title(), "price": w.amount()}, product)
    customers = [w.uuid() for _ in range(w.few(0.5))]
    for _ in range(w.size):
        _ordered(w, products, w.pick(customers))
    copy_of: dict[str, Any] = {"give": lambda key, segments, row: row, "drift": "status"}
    w.index("by_number", "order", by="order_number", **copy_of)
    w.index(
        "by_customer",
        "order",
        by="customer_id",
        locate=lambda segments, row, customer: (customer, segments[0]),
        **copy_of,
    )
    for _ in range(w.few(0.5)):
        _moved(w)
    for _ in range(w.few(0.3)):
        ms, rand, name = w.ms(), w.rand(), w.full_name()
        fields = doc(id=f"contact_{ms}_{rand}", name=name, email=w.email(name), phone=w.phone())
        fields |= {"subject": w.title(), "message": w.text(), "created_at": w.iso(ms)}
        is_read = w.chance(0.5)
        fields |= {"status": "read" if is_read else "unread"}
        w.put("contact", fields | {"read_at": w.later(ms) if is_read else None}, ms, rand)
    for _ in range(w.few(0.06)):
        fields = {"title": w.title(), "askingPrice": w.amount(), "images": [w.url()]}
        w.put("sell", fields | {"status": "pending"}, w.uuid(), f"sell_{w.ms()}")
    for index in range(w.few(0.1, 6)):
        chosen = w.some(products, 1, 4)
        w.put("favorites", {"items": chosen} if index % 3 == 1 else chosen, w.uuid())
    for _ in range(w.few(0.1, 6)):
        lines = [{"product_id": p, "quantity": 1} for p in w.some(products, 1, 3)]
        w.put("cart", {"items": lines, "updated_at": w.iso()}, w.uuid())


def _ordered(w: World, products: list[str], customer: str) -> None:
    order, number, sql = f"order_{w.ms()}{w.rand()}", f"ERS-{w.digits(8)}", w.uuid()
    chosen = w.some(products, 1, 3)
    looks = {p: {"title": w.title(), "image": w.url(), "condition": "good"} for p in chosen}
    items = [
        doc(looks[p], id=p, price=w.amount(), quantity=1, product_snapshot=looks[p]) for p in chosen
    ]
    value = doc(
        id=order,
        postgres_id=sql,
        order_number=number,
        customer_id=customer,
        customer_info={"name": w.full_name(), "phone": w.phone()},
        items=w.maybe(0.85, items),
        itemsCount=len(items),
        status=w.pick(["pending", "confirmed", "delivered", "cancelled"]),
        payment_method="cash",
        delivery_method=w.pick(["pickup", "delivery"]),
        delivery_date=w.date(),
        delivery_time=w.clock(),
        delivery_fee=w.amount(50),
        subtotal=w.amount(),
        total=w.amount(),
        notes=w.text(),
        created_at=w.iso(),
        updated_at=w.iso(),
    )
    w.put("order", value, order)
    line_items: list[dict[str, Any]] = []
    for p in chosen:
        snapshot = looks[p] | {"category": "kitchen", "brand": w.title()}
        line_items.append({"order_id": order, "product_id": p, "product_snapshot": snapshot})
        line_items[-1] |= {"quantity": 1, "price": w.amount()}
    w.put("items", line_items, order)
    named = order if w.chance(0.85) else sql
    w.sentinels |= {named} - {order}  # written under the id of another database's row
    states = [None, "pending", "confirmed", "delivered"][: w.number(2, 4)]
    changes = []
    for old, new in pairwise(states):
        fields = doc(order_id=named, old_status=old, new_status=new, note=w.text())
        changes.append(fields | {"changed_by": "admin", "changed_at": w.iso()})
    key = w.put("history", changes, named)
    w.excused |= set() if named == order else {(key, "dangling")}
    if w.chance(0.7):
        fields = {"delivery_time": w.clock(), "delivery_fee": w.amount(50), "notes": w.text()}
        w.put("metadata", fields, sql)


def _moved(w: World) -> None:
    number, name = f"NAK-{w.digits(8)}", w.full_name()
    address = {"street": w.text(2, 3), "district": w.title()}
    value = doc(
        requestNumber=number,
        customerId=w.uuid(),
        customerName=name,
        customerEmail=w.email(name),
        customerPhone=w.phone(),
        fromAddress=w.pick([address, w.text()]),
        fromFloor=w.pick([w.number(0, 9), str(w.number(0, 9))]),
        fromHasElevator=w.chance(0.5),
        toAddress=w.pick([address, w.text()]),
        homeSize="2+1",
        selectedItems=w.pick([{"sofa": 1}, ["sofa", "bed"]]),
        customItems=[],
        images=[w.url() for _ in range(w.number(0, 2))],
        appointmentDate=w.date(),
        appointmentTime=w.clock(),
        notes=w.text(),
        calculatedPrice=w.amount(),
        distance=w.amount(90),
        status=w.pick(["pending", "confirmed"]),
        createdAt=w.iso(),
        adminNotes=w.maybe(0.3, w.text()),
    )
    w.put("moving", value, number)
