"""Mechanics on demand, a stock of goods, and a board: what their keys and values look like."""

from __future__ import annotations

from typing import Any

from .values import doc
from .world import World

MECHANICS = r"""
user          user:{id}                        document
booking       booking:{ms}:{customerId}        document  customerId>user mechanicId>user ~{customerId}>user
pending       bookings:pending                 ids       []>booking =booking
of_customer   customer:bookings:{userId}       ids       []>booking {userId}>user =booking
of_provider   provider:bookings:{userId}       ids       []>booking ~{userId}>user =booking
availability  provider:availability:{userId}   document  {userId}>user
services      provider:services:{userId}       objects   {userId}>user
addresses     addresses:{userId}               objects   {userId}>user
vehicles      vehicles:{userId}                objects   {userId}>user
messages      messages:{bookingId...}          objects   {bookingId}>booking [].senderId>user
tracking      tracking:{bookingId...}          document  {bookingId}>booking
cards         payment:methods:{userId}         objects   {userId}>user
payment       PAY_{ms}                         document  bookingId>booking ~userId>user
review        review_{ms}                      document  providerId>user bookingId>booking userId>user
reviews       reviews:provider:{providerId}    ids       []>review ~{providerId}>user =review
push          push:subscription:{userId}       document  {userId}>user
"""  # noqa: E501
STATES = ["pending", "pending", "assigned", "in-progress", "completed", "completed", "cancelled"]


def mechanics(w: World) -> None:
    people = [w.uuid() for _ in range(w.size)]
    providers, customers = people[: w.few(0.25)], people[w.few(0.25) :]
    for user in people:
        is_provider = user in set(providers)
        name = w.full_name()
        value = {
            "id": user,
            "email": w.email(name),
            "name": name,
            "userType": "provider" if is_provider else "customer",
            "phone": w.phone(),
            "createdAt": w.iso(),
            "profileImage": w.either(0.6, w.url("face"), ""),
            "rating": w.amount(5) if is_provider else None,
            "completedJobs": w.number(0, 90) if is_provider else None,
            "isOnline": w.chance(0.5) if is_provider else None,
        }
        w.put("user", value, user)
        if w.chance(0.3):
            w.put("push", w.push(), user)
    for _ in range(w.few(1.5)):
        _booked(w, w.pick(customers), w.pick(providers))
    w.index(
        "pending",
        "booking",
        by="status",
        locate=lambda *_: (),
        give=_whole,
        where=lambda row: row["status"] == "pending",
    )
    w.index("of_customer", "booking", by="customerId", give=_whole)
    w.index("of_provider", "booking", by="mechanicId", give=_whole)
    w.index("reviews", "review", by="providerId", give=_whole)
    _equipped(w, providers, customers)


def _whole(key: str, segments: tuple[str, ...], row: Any) -> str:
    return key


def _booked(w: World, customer: str, provider: str) -> None:
    ms = w.ms()
    key = f"booking:{ms}:{customer}"
    status = w.pick(STATES)
    is_taken = status != "pending"
    car = {"year": str(w.number(1998, 2024)), "make": w.title(), "model": w.title()}
    value = {
        "id": key,
        "customerId": customer,
        "service": w.title(),
        "location": w.text(),
        "vehicle": car if w.chance(0.7) else w.title(),
        "description": w.text(),
        "coordinates": w.either(0.7, w.point()),
        "status": status,
        "mechanicId": provider if is_taken else None,
        "mechanicName": w.full_name() if is_taken else None,
        "mechanicImage": w.url("face") if is_taken else None,
        "price": w.pick([w.amount(), str(w.amount()), None]),
        "estimatedArrival": w.clock() if is_taken else None,
        "createdAt": w.iso(ms),
        "updatedAt": w.later(ms),
        "completedAt": w.later(ms) if status == "completed" else None,
    }
    w.put("booking", value, ms, customer)
    if not is_taken:
        return
    messages = []
    for sender in w.random.choices([customer, provider], k=w.number(1, 6)):
        fields = {"message": w.text(), "timestamp": w.ms(), "read": w.chance(0.6), "type": "text"}
        ids = doc({"id": f"msg_{w.ms()}", "senderId": sender, "senderName": w.full_name()})
        messages.append(ids | fields)
    w.put("messages", messages, key)
    if w.chance(0.5):
        moving = {"speed": w.maybe(0.6, w.amount(90)), "heading": w.maybe(0.6, w.amount(360))}
        w.put("tracking", doc(w.point(), moving, timestamp=w.ms()), key)
    if status != "completed":
        return
    paid = w.ms()
    ids = doc({"id": f"PAY_{paid}", "bookingId": key, "userId": customer, "amount": w.amount()})
    w.put("payment", ids | {"method": "card", "status": "completed", "timestamp": paid}, paid)
    if w.chance(0.7):
        ms = w.ms()
        ids = {"id": f"review_{ms}", "providerId": provider, "bookingId": key, "userId": customer}
        fields = {"userName": w.full_name(), "userImage": w.url("face"), "rating": w.number(1, 5)}
        fields |= {"comment": w.text(), "date": w.iso(ms), "timestamp": ms}
        w.put("review", ids | fields, ms)


def _equipped(w: World, providers: list[str], customers: list[str]) -> None:
    for user in providers:
        radius = {"isOnline": w.chance(0.5), "serviceRadius": w.number(5, 50)}
        w.put("availability", doc(radius, updatedAt=w.maybe(0.7, w.iso())), user)
        services = [
            {"id": word, "name": word.title(), "price": w.amount()}
            for word in w.some(["brakes", "tyres", "oil", "battery"], 0, 3)
        ]
        w.put("services", services, user)
    for user in customers:
        places = [
            doc(
                id=f"addr:{w.ms()}",
                label=w.pick(["Home", "Work"]),
                street=w.text(2, 3),
                city=w.title(),
                state="ZH",
                zip=w.digits(5),
                isDefault=i == 0,
                createdAt=w.iso(),
                updatedAt=w.maybe(0.3, w.iso()),
            )
            for i in range(w.number(0, 3))
        ]
        w.put("addresses", places, user)
        cars = [
            doc(
                id=f"vehicle:{w.ms()}",
                year=w.pick([w.number(1998, 2024), str(w.number(1998, 2024))]),
                make=w.title(),
                model=w.title(),
                color=w.pick(["red", "blue"]),
                licensePlate=w.token(7).upper(),
                vin=w.token(17).upper(),
                isDefault=i == 0,
                createdAt=w.iso(),
            )
            for i in range(w.number(0, 2))
        ]
        w.put("vehicles", cars, user)
        if w.chance(0.4):
            card = doc(
                {"id": f"card_{w.ms()}", "type": "card", "last4": w.digits(4), "brand": "visa"}
            )
            card |= {"expiryMonth": "09", "expiryYear": "2027", "isDefault": True}
            w.put("cards", [card], user)


STOCK = r"""
user        user:{id}                                          document  companyId>company
email       user:email:{email}                                 mixed     $>user userId>user =user
users       users:list                                         ids       []>user =user
company     company:{id}                                       document
password    company_password:{id}                              scalar    {id}>company
status      company_status:{id}                                scalar    {id}>company =company
session     session:{token}                                    document  userId>user ~userId>company
product     product:{id}                                       document  ~companyId>company ~supplierId>supplier
supplier    supplier:{id}                                      document
entry       stock-entry:{id}                                   document  productId>product supplierId>supplier ~companyId>company ~userId>user
movement    stock-movement:{id}                                document  productId>product ~companyId>company ~userId>user
recipe      recipe:{id}                                        document  ingredients[].productId>product
price       price-history:{id}                                 document  productId>product
invoice     invoice:{accessKey}                                document  userId>user
config      till_config:{companyId}                             document  {companyId}>company
mappings    till_product_mappings:{companyId}                   map       ~{companyId}>company ~{}>product
processed   till_processed:{companyId}:{lineId...}              scalar    {companyId}>company
revenue     till_revenue_recorded:{companyId}:{transactionId}   document  ~{companyId}>company
register    till_sales_register:{companyId}                     mixed     ~{companyId}>company
preview     till_preview_session:{companyId}:{sessionId}        document  {companyId}>company
automatic   till_auto_baixa:{companyId}                         document  {companyId}>company
"""  # noqa: E501


def stock(w: World) -> None:
    companies = [w.uuid() for _ in range(w.few(0.06, 5))]
    for company in companies:
        ms = w.ms()
        value = {"id": company, "name": w.title(), "cnpj": w.digits(14), "email": w.email("Ana Sá")}
        value |= {"status": w.pick(["active", "active", "inactive"])}
        w.put("company", value | {"created_at": w.iso(ms), "createdAt": w.iso(ms)}, company)
        w.put("password", f"$2b$10${w.token(53)}", company)
        _linked(w, company)
    w.index("status", "company", locate=lambda segments, *_: segments, give=_status, drift="$")
    users = [w.uuid() for _ in range(w.few(0.4))]
    for user in users:
        _employed(w, user, w.pick(companies))
    w.index("users", "user")
    w.index("email", "user", by="email", give=_bare_or_not, read=_either)
    for _ in range(w.few(0.5)):
        value = {"userId": w.pick(users), "expiresAt": w.iso()}
        if w.chance(0.15):
            value["userId"] = f"company_{w.pick(companies)}"
            w.sentinels.add(value["userId"])
        w.put("session", doc(value, createdAt=w.maybe(0.5, w.iso())), f"custom_{w.rand(24)}")
    _goods(w, companies, users)


def _status(key: str, segments: tuple[str, ...], row: Any) -> Any:
    return row["status"]


def _bare_or_not(key: str, segments: tuple[str, ...], row: Any) -> Any:
    """One of five ways to sign up writes the id itself."""
    return segments[0] if int(segments[0][0], 16) < 4 else {"userId": segments[0]}


def _either(value: Any) -> Any:
    return value.get("userId") if isinstance(value, dict) else value


def _employed(w: World, user: str, company: str) -> None:
    name = w.full_name()
    ms = w.ms()
    value = doc(
        id=user,
        email=w.email(name),
        fullName=name,
        role=w.pick(["superadmin", "admin", "operator", "operator"]),
        companyId=w.maybe(0.9, company),
        permissions=w.pick([{"canView": True, "canEdit": w.chance(0.5)}, ["view", "edit"]]),
        status=w.pick(["active", "active", "inactive"]),
        passwordHash=w.maybe(0.6, f"$2b$10${w.token(53)}"),
        createdAt=w.iso(ms),
        updatedAt=w.later(ms),
        lastLogin=w.maybe(0.5, w.later(ms)),
        failedLoginAttempts=w.maybe(0.3, w.number(0, 5)),
    )
    w.put("user", value, user)


def _goods(w: World, companies: list[str], users: list[str]) -> None:
    dated = {"createdAt": w.iso(), "updatedAt": w.iso()}
    suppliers = [w.uuid() for _ in range(w.few(0.12, 8))]
    for supplier in suppliers:
        value = doc(
            {"id": supplier, "name": w.title(), "phone": w.phone(), "email": w.email("Rui Sá")}
        )
        w.put("supplier", value | dated, supplier)
    products = [w.uuid() for _ in range(w.size)]
    for product in products:
        stocks = ("minStock", "safetyStock", "currentStock", "averageCost")
        value = doc(
            {each: w.amount() for each in stocks},
            id=product,
            companyId=w.maybe(0.6, w.pick(companies)),
            name=w.title(),
            category=w.pick(["bebidas", "carnes", "outros"]),
            isPerishable=w.chance(0.4),
            measurementUnit=w.pick(["kg", "un", "l"]),
            supplierId=w.maybe(0.5, w.pick(suppliers)),
            shelfLife=w.maybe(0.4, w.number(2, 300)),
            createdAt=w.iso(),
            updatedAt=w.iso(),
        )
        w.put("product", value, product)
    for alias, count in (("entry", 1.2), ("movement", 1.6), ("price", 0.8)):
        for _ in range(w.few(count)):
            made = w.uuid()
            w.put(alias, _moved(w, alias, made, w.pick(products), suppliers, companies), made)
            if alias != "price":
                w.rows[w.patterns[alias].key(made)]["userId"] = w.pick(users)
    for _ in range(w.few(0.15)):
        made = w.uuid()
        parts = [{"productId": p, "quantity": w.amount()} for p in w.some(products, 1, 5)]
        w.put("recipe", {"id": made, "name": w.title(), "ingredients": parts} | dated, made)
    for _ in range(w.few(0.3)):
        number = w.digits(44) if w.chance(0.8) else w.digits(6)
        items = [{"code": w.digits(6), "quantity": w.number(1, 9)} for _ in range(w.number(1, 4))]
        value = doc(
            {"key": number, "items": items, "itemsCount": len(items), "userId": w.pick(users)}
        )
        w.put("invoice", value | {"importedAt": w.iso()}, number)
    for company in w.some(companies, 3, len(companies)):
        chosen = w.some(products, 3, 20)
        w.put("mappings", {f"SKU{w.digits(5)}": product for product in chosen}, company)


def _moved(
    w: World, alias: str, made: str, product: str, suppliers: list[str], companies: list[str]
) -> dict[str, Any]:
    value = doc(id=made, productId=product)
    if alias == "price":
        return value | {"price": w.amount(), "date": w.iso(), "source": "purchase"}
    value |= doc(companyId=w.maybe(0.7, w.pick(companies)), quantity=w.number(1, 90))
    batch = doc(batchNumber=w.maybe(0.5, w.token(6).upper()), notes=w.maybe(0.2, w.text()))
    if alias == "entry":
        priced = {"unitPrice": w.amount(), "totalPrice": w.amount(), "entryDate": w.iso()}
        expiry = w.maybe(0.5, w.iso())
        return doc(value, batch, priced, supplierId=w.pick(suppliers), expirationDate=expiry)
    kind = w.pick(["entrada", "saida", "venda", "ajuste", "desperdicio"])
    fields = {"type": kind, "reason": w.text(), "date": w.iso()}
    return doc(value, batch, fields, cost=w.maybe(0.5, w.amount()))


def _linked(w: World, company: str) -> None:
    """What a company keeps for a till of another maker."""
    if w.chance(0.8):
        value = {"storeId": w.digits(4), "chainId": w.digits(3), "tillToken": w.token(64)}
        w.put("config", doc({k: w.maybe(0.9, v) for k, v in value.items()}), company)
        w.put("automatic", {"enabled": w.chance(0.5)}, company)
    is_old = len(list(w.of("register"))) % 3 == 2
    w.put("register", w.uuid() if is_old else {"registerId": w.uuid()}, company)
    for _ in range(w.few(0.2)):
        line = f"{w.digits(8)}_{w.digits(3)}_{w.number(1, 9)}"
        w.put("processed", True, company, line)
    for _ in range(w.few(0.06)):
        w.put("revenue", {"saleId": w.uuid(), "at": w.ms()}, company, w.digits(10))
    for _ in range(w.number(0, 3)):
        items = [{"sku": w.digits(5), "totalValue": w.amount()} for _ in range(w.number(1, 5))]
        w.put("preview", {"lineItems": items, "expiresAt": w.ms()}, company, w.uuid())


BOARD = r"""
area      project-area:{slug}         document
subpoint  subpoint:{areaSlug}:{ms}    document  {areaSlug}>area dependencies[]>subpoint
comment   comment:{areaSlug}:{ms}     document  {areaSlug}>area
"""


def board(w: World) -> None:
    areas = w.slugs(w.few(0.1, 6))
    for area in areas:
        value = {"name": w.title(), "description": w.text(), "progress": w.number(0, 100)}
        w.put("area", doc(value, id=w.maybe(0.5, area)), area)
    made: list[str] = []
    for _ in range(w.size):
        ms, area = w.ms(), w.pick(areas)
        before = w.some(made, 0, 2) if made and w.chance(0.4) else None
        value = doc(
            completed=w.chance(0.4),
            text=w.text(),
            assignee=w.maybe(0.6, w.full_name()),
            dependencies=w.maybe(0.6, before or []),
        )
        made.append(w.put("subpoint", value, area, ms))
    for _ in range(w.few(0.6)):
        value = doc(text=w.text(), author=w.maybe(0.8, w.full_name()), at=w.maybe(0.7, w.iso()))
        w.put("comment", value, w.pick(areas), w.ms())
