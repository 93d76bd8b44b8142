"""Apps as prototypes' servers write them: seeds beside what came later, filler in place of ids,
rows deleted without what names them. What is wrong in them is what their own code does; nothing is
planted."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .damage import Damage, violations
from .generate import App, Keyspace, generated
from .values import doc
from .world import World

CLUBS = r"""
by_mail     account_by_mail:{mail}          scalar    $>account =account
account     account:{id}                    document
club        club:{id}                       document  ownerId>account
by_owner    club_by_owner:{owner}:{club}    scalar    {owner}>account {club}|$>club =club
joined      joined:{account}:{club}         document  {account}|accountId>account {club}|clubId>club
evening     evening:{id}                    document  clubId>club hostId>account code>by_code
by_code     evening_code:{code}             scalar    $>evening =evening
came        came:{account}:{evening}        document  {account}|accountId>account {evening}|eveningId>evening
stamp       stamp:{account}:{ms}            document  {account}>account
"""  # noqa: E501


def clubs(w: World) -> None:
    accounts = [f"demo_account_{n}" for n in range(1, 9)] + [w.uuid() for _ in range(w.size)]
    for n, account in enumerate(accounts):
        mail = f"member{n}@clubs.example"
        w.put("account", {"id": account, "name": w.full_name(), "mail": mail}, account)
        w.put("by_mail", account, mail)
    names = [f"club_{w.pick(['go', 'ski', 'art'])}{100 + n}" for n in range(w.few(0.1, 8))]
    for club in names:
        owner = w.pick(accounts)
        w.put("club", {"id": club, "title": w.title(), "ownerId": owner}, club)
        w.put("by_owner", club, owner, club)
        for account in w.some(accounts, 8, 20):
            fields: dict[str, Any] = {
                "accountId": account,
                "clubId": club,
                "at": w.iso(),
                "role": "member",
            }
            w.put("joined", fields, account, club)
        for n in range(4):
            evening, code = f"evening_{w.ms()}_{club}_{n}", w.token(6)
            fields = {"id": evening, "clubId": club, "hostId": owner, "code": code}
            w.put("evening", fields, evening)
            w.put("by_code", evening, code)
            for account in w.some(accounts, 6, 12):
                fields = {"accountId": account, "eveningId": evening, "at": w.iso()}
                w.put("came", fields, account, evening)
    for account in w.some(accounts, w.few(0.5), w.few(0.5)):
        w.put("stamp", {"kind": w.pick(["in", "out"]), "at": w.iso()}, account, w.ms())


ESTATE = r"""
user        user:{id}                       document
of_mail     user:mail:{mail}                scalar    $>user =user
tenant      tenant:{id}                     document  {id}|userId>user
keeper      keeper:{id}                     document  {id}|userId>user
balance     balance_of:{id}                 document  {id}|tenantId>tenant
rent        rent:{tenant}:{month}           document  {tenant}|tenantId>tenant
repair      repair:{id}                     document  tenantId>tenant keeperId>keeper parts[].partId>part
part        part_price:{id}                 document
meter       meter:{id}                      document
reading     reading:{meter}:{ms}            document  {meter}>meter readBy>keeper
"""  # noqa: E501


def estate(w: World) -> None:
    w.sentinels |= {"", "unassigned", "anonymous"}
    tenants, keepers = [], []
    for n in range(w.size):
        user, mail = w.uuid(), f"flat{n}@estate.example"
        role = "admin" if n < 2 else "keeper" if n < 2 + w.few(0.04, 5) else "tenant"
        name = w.full_name()
        w.put("user", {"id": user, "role": role, "mail": mail, "name": name}, user)
        w.put("of_mail", user, mail)
        fields: dict[str, Any] = {"id": user, "userId": user, "name": name, "since": w.iso()}
        if role == "tenant":
            tenants.append(user)
            w.put("tenant", fields | {"flat": str(w.number(1, 90))}, user)
            w.put("balance", {"tenantId": user, "cents": w.number(0, 90000)}, user)
        elif role == "keeper":
            keepers.append(user)
            w.put("keeper", fields | {"phone": ""}, user)
    parts = [f"{w.ms()}_{w.rand(7)}" for _ in range(9)]
    for part in parts:
        w.put("part", {"id": part, "name": w.title(), "price": w.amount()}, part)
    for tenant in tenants:
        for month in range(1, 7):
            if w.chance(0.8):
                fields = {"tenantId": tenant, "month": f"2025-{month:02d}", "paid": w.chance(0.7)}
                w.put("rent", fields, tenant, f"2025-{month:02d}")
    for _ in range(w.few(2)):
        repair, used = f"{w.ms()}_{w.rand(7)}", w.some(parts, 1, 3)
        fields = {"id": repair, "tenantId": w.pick(tenants), "text": w.text()}
        fields |= {"keeperId": w.either(0.35, w.pick(keepers), "unassigned")}
        fields |= {"parts": [{"partId": part, "count": w.number(1, 4)} for part in used]}
        w.put("repair", fields, repair)
    meters = [f"MTR{w.ms()}" if n % 2 else f"meter_{n}" for n in range(w.few(0.3))]
    for meter in meters:
        w.put("meter", {"id": meter, "kind": w.pick(["water", "heat"]), "unit": "m3"}, meter)
        for _ in range(4):
            by = w.either(0.4, w.pick(keepers), w.pick(["", "anonymous"]))
            w.put("reading", {"value": w.amount(), "readBy": by, "at": w.iso()}, meter, w.ms())
    for tenant in w.some(tenants, 4, 4):  # whoever leaves loses one key of many
        w.drop(f"tenant:{tenant}")


FLEET = r"""
driver      driver:{id}                     document
devices     devices_{driver}                objects   {driver}>driver
depot       depot:{id}                      document
van         van:{id}                        document  depotId>depot driverId>driver
trips       van:{id}:trips                  ids       []>trip {id}>van =trip
trip        trip:{id}                       document  vanId>van driverId>driver stops[].depotId>depot
ping        ping:{van}:{ms}                 document  {van}|vanId>van
by_plate    idx:byPlate:{plate}             scalar    $>van =van
by_mail     idx:byMail:{mail}               scalar    $>driver =driver
by_phone    idx:byPhone:{phone}             scalar    $>driver =driver
version     fleet:seeded:v2                 scalar
"""  # noqa: E501


def fleet(w: World) -> None:
    w.sentinels |= {"", "none"}
    depots = ["depot-1", "depot-2", "depot-3"] + [w.uuid() for _ in range(w.few(0.15, 12))]
    for depot in depots:
        fields: dict[str, Any] = {"id": depot, "name": w.title(), "city": w.pick(["Bern", "Lyon"])}
        w.put("depot", doc(fields, createdAt=w.maybe(0.8, w.iso())), depot)
    drivers = ["drv-admin", "drv-1"] + [w.uuid() for _ in range(w.size)]
    for n, driver in enumerate(drivers):
        fields = {"id": driver, "name": w.full_name(), "mail": f"d{n}@fleet.example"}
        w.put("driver", fields | {"phone": f"+4179{1000000 + 37 * n}"}, driver)
        if devices := [{"id": w.uuid(), "os": "ios"} for _ in range(w.number(0, 2))]:
            w.put("devices", devices, driver)
    w.index("by_mail", "driver", by="mail")
    w.index("by_phone", "driver", by="phone")
    vans = [f"van_{n}" if n < 6 else f"VAN{w.ms()}" for n in range(w.few(0.5))]
    for n, van in enumerate(vans):
        fields = {"id": van, "plate": f"ZH{20000 + 71 * n}", "depotId": w.pick(depots)}
        w.put("van", fields | {"driverId": w.either(0.5, w.pick(drivers), "none")}, van)
        for _ in range(w.number(1, 5)):
            w.put("ping", {"vanId": van, "lat": w.amount(90), "lng": w.amount(90)}, van, w.ms())
    w.index("by_plate", "van", by="plate")
    for _ in range(w.few(1.5)):
        trip = f"trip_{w.ms()}_{w.rand()}"
        fields = {"id": trip, "vanId": w.pick(vans), "driverId": w.pick(drivers), "km": w.amount()}
        fields |= {"stops": [{"depotId": depot, "at": w.iso()} for depot in w.some(depots, 1, 3)]}
        w.put("trip", fields, trip)
    w.index("trips", "trip", by="vanId")
    for key in w.some(w.keys["trip"], 3, 3):  # two tabs: the other write won
        listed = w.rows[f"van:{w.rows[key]['vanId']}:trips"]
        listed.remove(w.segments[key][0])
    for van in w.some(vans[6:], 2, 2):
        w.drop(f"van:{van}")
    w.put("version", True)


ARCHIVE = r"""
box         box:{id}                        document  files[]>media ownerId>owner
media       media:{id}                      document  boxId>box
note        note:{box}:{id}                 document  {box}>box authorId>owner
share       share:{token}                   document  boxId>box
owner       owner:{id}                      document
points      points:{mail}                   document
history     points_history:{id}             document  ownerMail>points
talk        talk:{pair}:{id}                document  senderId>owner
flags       flag:{owner}:{name}             scalar    {owner}>owner
"""


def archive(w: World) -> None:
    owners = [w.uuid() for _ in range(w.size)]
    mails = {}
    for n, owner in enumerate(owners):
        mails[owner] = f"o{n}@archive.example"
        w.put("owner", {"id": owner, "name": w.full_name(), "mail": mails[owner]}, owner)
    boxes = [f"box_{w.ms()}_{w.rand()}" for _ in range(w.few(0.6))]
    for box in boxes:
        files = [w.uuid() for _ in range(w.number(1, 6))]
        for file in files:
            w.put("media", {"id": file, "boxId": box, "kind": "photo", "bytes": w.ms()}, file)
        fields: dict[str, Any] = {
            "id": box,
            "ownerId": w.pick(owners),
            "title": w.title(),
            "files": files,
        }
        w.put("box", fields | {"open": w.chance(0.5)}, box)
        for _ in range(w.number(0, 3)):
            note = w.uuid()
            w.put("note", {"id": note, "authorId": w.pick(owners), "text": w.text()}, box, note)
        if w.chance(0.4):
            token = w.token(16)
            w.put("share", {"boxId": box, "views": w.number(0, 90)}, token)
    for owner in w.some(owners, w.few(0.7), w.few(0.7)):
        mail = mails[owner]
        for _ in range(w.number(1, 3)):
            entry = f"HIST{w.ms()}{w.rand()}"
            fields = {"id": entry, "ownerMail": mail, "points": w.number(1, 90)}
            w.put("history", fields | {"at": w.iso()}, entry)
        w.put("points", {"ownerMail": mail, "points": w.number(0, 900), "tier": "basic"}, mail)
    for _ in range(w.few(0.6)):
        first, second = sorted(w.random.sample(owners, 2))
        for _ in range(w.number(1, 5)):
            entry = w.uuid()
            fields = {"id": entry, "senderId": w.pick([first, second]), "text": w.text()}
            if f"talk:{first}_{second}:{entry}" not in w.rows:
                w.put("talk", fields | {"at": w.iso()}, f"{first}_{second}", entry)
    for owner in w.some(owners, w.few(0.5), w.few(0.5)):
        for name in ("seenTour", "darkMode", "betaMail"):
            w.put("flags", w.chance(0.5), owner, name)
    for box in w.some(boxes, 3, 3):
        w.drop(f"box:{box}")


_WORDS = (
    *("Email", "Name", "Phone", "City", "Zip", "Street", "Country", "Role", "Team", "Badge"),
    *("Card", "Locker", "Desk", "Floor", "Shift", "Skill", "Level", "Grade", "Union", "Bank"),
    *("Tax", "Visa", "Plate", "Radio", "Alias", "Login", "Token", "Photo", "Coach", "Start"),
)

STAFF = r"""
worker      worker:{id}                     document
""" + "\n".join(f"by_{word}  idx:by{word}:{{value}}  scalar  $>worker =worker" for word in _WORDS)


def staff(w: World) -> None:
    for n in range(w.size):
        worker = w.uuid()
        fields: dict[str, Any] = {"id": worker, "hired": w.iso()}
        for index, word in enumerate(_WORDS):
            fields[word.lower()] = f"{word[:2].lower()}{index}x{n}"
        fields["email"] = f"w{n}@staff.example"
        w.put("worker", fields, worker)
        for word in _WORDS:
            w.put(f"by_{word}", worker, fields[word.lower()])


PROTOTYPES: dict[str, App] = {
    "clubs": (CLUBS, clubs),
    "estate": (ESTATE, estate),
    "fleet": (FLEET, fleet),
    "archive": (ARCHIVE, archive),
    "staff": (STAFF, staff),
}


def prototype(name: str, size: int = 120, seed: int = 1) -> Keyspace:
    """The store of a prototype; whatever contradicts the truth in it is damage."""
    made = generated(name, PROTOTYPES[name], size, seed)
    kinds: dict[str, set[str]] = defaultdict(set)
    for decoding in (True, False):
        for key, kind in violations(made.world, is_decoding=decoding) - made.world.excused:
            kinds[key].add(kind)
    damage = []
    for key, several in sorted(kinds.items()):
        if {"dangling", "stale"} <= several:  # an entry of what is gone: either says so
            several = several - {"stale"}
            damage.append(Damage(key, "dangling", ((key, "stale"),)))
            several.discard("dangling")
        damage += [Damage(key, kind) for kind in sorted(several)]
    return Keyspace(
        name, made.rows, made.world, made.patterns, made.pattern_of, tuple(damage), frozenset()
    )
