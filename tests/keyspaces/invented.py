"""Three apps that nobody wrote, of the same kind and with other habits; held back as well."""

from __future__ import annotations

from typing import Any

from .values import doc
from .world import World

ARCADE = r"""
player     player/{playerId}              document  teamId>team
team       team/{teamId}                  document  captain>player
members    team/{teamId}/members          ids       []>player ~{teamId}>team =player
nick       nick/{nick}                    scalar    $>player =player
friends    friends/{playerId}             ids       []>player ~{playerId}>player symmetric
match      match/{matchId}                document  players[].id>player winnerId>player season>season
events     match/{matchId}/events         objects   [].by>player ~{matchId}>match
season     season:{season}                document
rank       lb:{season}:{rank}             document  playerId>player {season}>season rank~\d+
inventory  inventory.{playerId}           map       {}>item {playerId}>player
item       item.{sku}                     document
ban        ban_{playerId}                 document  {playerId}>player by>player
lock       lock:match:{matchId}           scalar    {matchId}>match
played     counter:matches                scalar
config     config:game                    document
online     online                         ids       []>player
"""  # noqa: E501


def arcade(w: World) -> None:
    w.sentinels.add("system")
    players = [f"0{w.number(1, 9)}{w.token(24).upper()}" for _ in range(w.size)]
    teams = [f"t{w.number(10, 99)}{w.rand(6)}" for _ in range(w.few(0.1, 5))]
    teams = list(dict.fromkeys(teams))
    for player in players:
        fields = doc(nick=w.handle(w.full_name()), level=w.number(1, 80), xp=w.number(0, 99999))
        fields |= {"teamId": w.either(0.8, w.pick(teams)), "joined": w.ms()}
        w.put("player", doc(fields, country=w.maybe(0.5, w.pick(["CH", "BR", "TR"]))), player)
    for team in teams:
        fields = {"name": w.title(), "captain": w.pick(players), "founded": w.date()}
        w.put("team", fields, team)
    w.index("members", "player", by="teamId")
    w.index("nick", "player", by="nick")
    lists: dict[str, list[str]] = {}
    for _ in range(w.few(1.3)):
        a, b = w.random.sample(players, 2)
        if b not in lists.setdefault(a, []):
            lists[a].append(b)
            lists.setdefault(b, []).append(a)
    for player, others in lists.items():
        w.put("friends", others, player)
    seasons = ["2023-s2", "2024-s1", "2024-s2"]
    for season in seasons:
        w.put("season", {"starts": w.date(), "ends": w.date(), "title": w.title()}, season)
        for rank, player in enumerate(w.some(players, 30, 40)):
            score = {"playerId": player, "score": 90000 - 100 * rank, "at": w.iso()}
            w.put("rank", score, season, rank + 1)
    items = [f"{w.pick(['sword', 'hat', 'boots'])}-{w.rand(4)}" for _ in range(w.few(0.12, 8))]
    for sku in (items := list(dict.fromkeys(items))):
        w.put("item", {"name": w.title(), "rarity": w.pick(["common", "epic"])}, sku)
    for player in w.some(players, w.few(0.6), w.few(0.6)):
        owned = {sku: {"n": w.number(1, 5), "at": w.ms()} for sku in w.some(items, 1, 5)}
        w.put("inventory", owned, player)
    for player in w.some(players, w.few(0.07), w.few(0.07)):
        fields = {"by": w.either(0.6, w.pick(players), "system"), "until": w.either(0.5, w.iso())}
        w.put("ban", fields | {"reason": w.text()}, player)
    for _ in range(w.few(0.8)):
        _match(w, players, seasons)
    w.put("played", len(list(w.of("match"))))
    w.put("config", {"maxPlayers": 4, "flags": {"chat": True}, "motd": w.text()})
    w.put("online", w.some(players, 10, 30))


def _match(w: World, players: list[str], seasons: list[str]) -> None:
    match, chosen = w.uuid(), w.some(players, 2, 4)
    scores = [{"id": player, "score": w.number(0, 90)} for player in chosen]
    fields = doc(players=scores, winnerId=w.either(0.8, w.pick(chosen)), season=w.pick(seasons))
    w.put("match", fields | {"map": w.title(), "endedAt": w.iso()}, match)
    happened = [
        {"by": w.pick(chosen), "t": w.number(0, 900), "kind": w.pick(["hit", "heal"])}
        for _ in range(w.number(0, 7))
    ]
    w.put("events", happened, match)
    if w.chance(0.1):
        w.put("lock", w.ms(), match)


HOMEWORK = r"""
pupil       pupil_{id}                        document  class>class parents[]>parent id~\d+
parent      parent_{id}                       document  children[]>pupil
class       class_{name}                      document  teacher>teacher name~[0-9a-z]+
pupils      class_{name}_pupils               ids       []>pupil ~{name}>class =pupil name~[0-9a-z]+
teacher     teacher.{email}                   document
task        task:{class}:{date}:{n}           document  {class}>class teacherEmail>teacher ~class>class
submission  submission:{task...}:{pupilId}    document  {task}>task {pupilId}>pupil
grades      grades_{pupilId}                  map       {}>task {pupilId}>pupil
diary       diary_{class}_{month}             objects   {class}>class [].pupil>pupil class~[0-9a-z]+
absence     absence_{pupilId}_{date}          document  {pupilId}>pupil pupilId~\d+
timetable   cache:timetable:{class}           document  {class}>class
reset       reset-{token}                     document  email>teacher
term        term                              document
holidays    holidays                          ids
"""  # noqa: E501


def homework(w: World) -> None:
    classes = [f"{grade}{letter}" for grade in range(1, 7) for letter in "abc"][: w.few(0.1, 6)]
    teachers = [w.email(w.full_name()) for _ in range(w.few(0.06, 6))]
    for email in teachers:
        fields = doc(name=w.full_name(), subjects=w.some(["maths", "music", "art"], 1, 2))
        w.put("teacher", fields | {"hash": w.token(60)}, email)
        if w.chance(0.4):
            w.put("reset", {"email": email, "until": w.ms()}, w.token(32))
    for name in classes:
        w.put("class", {"teacher": w.pick(teachers), "room": w.digits(3)}, name)
        plan = {day: w.some(["maths", "music", "art"], 1, 3) for day in ("mon", "tue", "wed")}
        w.put("timetable", {"plan": plan, "cachedAt": w.ms()}, name)
    pupils = [1001 + 3 * index for index in range(w.size)]
    parents = [50_001 + 7 * index for index in range(w.few(0.9))]
    children: dict[int, list[int]] = {}
    for pupil in pupils:
        mine = w.some(parents, 1, 2)
        fields = doc(name=w.full_name(), born=w.date(), parents=mine)
        fields |= {"class": w.pick(classes), "bus": w.either(0.4, w.number(1, 9))}
        w.put("pupil", fields, pupil)
        for parent in mine:
            children.setdefault(parent, []).append(pupil)
    for parent in parents:
        fields = doc(name=w.full_name(), phone=w.phone(), children=children.get(parent, []))
        w.put("parent", fields, parent)
    w.index("pupils", "pupil", by="class", give=lambda key, segments, row: int(segments[0]))
    for pupil in pupils:
        for day in w.some(range(200), 0, 2):
            excused = {"reason": w.either(0.7, w.text()), "excused": w.chance(0.8)}
            w.put("absence", excused, pupil, w.day(day))
    _tasks(w, classes, teachers)
    w.put("term", {"from": w.date(), "to": w.date(), "name": "2024/25"})
    w.put("holidays", [w.day(day) for day in range(90, 102)])


def _tasks(w: World, classes: list[str], teachers: list[str]) -> None:
    of_class: dict[str, list[str]] = {}
    for _, segments, row in w.of("pupil"):
        of_class.setdefault(row["class"], []).append(segments[0])
    graded: dict[str, dict[str, float]] = {}
    for day in range(w.few(0.5)):
        name = w.pick(classes)
        fields = {"title": w.title(), "teacherEmail": w.pick(teachers), "class": name}
        task = w.put("task", fields | {"due": w.date()}, name, w.day(day), w.number(1, 3))
        for pupil in w.some(of_class.get(name, []), 0, 5):
            handed = {"text": w.text(), "files": [w.url("file")], "handedIn": w.iso()}
            w.put("submission", handed, task, pupil)
            graded.setdefault(pupil, {})[task] = w.number(2, 12) / 2
    for pupil, marks in graded.items():
        w.put("grades", marks, pupil)
    for name, month in ((name, month) for name in classes for month in ("202409", "202410")):
        notes = [
            {"pupil": pupil, "note": w.text(), "date": w.date()}
            for pupil in w.some(of_class.get(name, []), 0, 6)
        ]
        w.put("diary", notes, name, month)


BAZAAR = r"""
shop      shop:{slug}                  document  owner>account
goods     shop:{slug}:goods            ids       []>good ~{slug}>shop =good
good      good-{goodId}                document  shop>shop tags[]>tag
tag       tag:{tag}                    ids       []>good =good
account   account:{email}              document
cart      cart-{cartId}                document  account>account voucher>voucher lines{}>good
voucher   voucher:{CODE}               document  shop>shop
used      voucher:{CODE}:used          ids       []>account ~{CODE}>voucher
purchase  purchase#{month}#{n}         document  account>account lines[].good>good month~\d+ n~\d+
bought    purchases:by:{email}         ids       []>purchase {email}>account =purchase
review    review:{goodId}:{email}      document  {goodId}>good {email}>account
stars     stars:{goodId}               document  {goodId}>good ~=review
session   session.{token}              document  account>account
rate      rate:{ip}                    scalar
featured  featured                     ids       []>good
daily     stats:daily:{date}           document
currency  currency                     scalar
old       carts_v1                     objects   [].account>account
"""


def bazaar(w: World) -> None:
    accounts = [w.email(w.full_name()) for _ in range(w.few(0.7))]
    for email in accounts:
        fields = {"name": w.full_name(), "city": w.title(), "newsletter": w.chance(0.4)}
        w.put("account", fields, email)
        if w.chance(0.5):
            w.put("session", {"account": email, "expires": w.ms()}, w.token(32))
    shops = w.slugs(w.few(0.08, 5))
    for slug in shops:
        fields = {"title": w.title(), "owner": w.pick(accounts), "open": w.chance(0.9)}
        w.put("shop", fields, slug)
    goods = [w.uuid() for _ in range(w.size)]
    for good in goods:
        tags = w.some(["wood", "wool", "clay", "paper", "glass", "steel", "linen"], 0, 3)
        fields = doc(title=w.title(), cents=w.number(100, 90000), shop=w.pick(shops), tags=tags)
        w.put("good", fields | {"stock": w.number(0, 50)}, good)
    keys = [f"good-{good}" for good in goods]
    w.index("goods", "good", by="shop", give=lambda key, *_: key)
    w.index("tag", "good", by="tags[]")
    codes = {f"{w.token(4).upper()}{w.number(10, 99)}": w.pick(shops) for _ in range(w.few(0.1, 6))}
    for code, shop in codes.items():
        w.put("voucher", {"shop": shop, "percent": w.number(5, 30), "until": w.date()}, code)
        w.put("used", w.some(accounts, 0, 6), code)
    for _ in range(w.few(0.5)):
        fields = doc(account=w.either(0.7, w.pick(accounts)), updated=w.ms())
        fields |= {"voucher": w.either(0.2, w.pick(list(codes)))}
        w.put(
            "cart", fields | {"lines": {g: w.number(1, 3) for g in w.some(goods, 0, 4)}}, w.uuid()
        )
    _sold(w, accounts, goods, keys)


def _sold(w: World, accounts: list[str], goods: list[str], keys: list[str]) -> None:
    for index in range(w.few(0.9)):
        items = [{"good": good, "cents": w.number(100, 9000)} for good in w.some(goods, 1, 4)]
        fields: dict[str, Any] = {
            "account": w.pick(accounts),
            "lines": items,
            "paid": w.chance(0.8),
        }
        w.put("purchase", fields | {"at": w.iso()}, f"2024{w.number(1, 12):02d}", index + 1)
    w.index("bought", "purchase", by="account", give=lambda key, *_: key)
    rated = w.some(goods, w.few(0.3), w.few(0.3))
    for good in rated:
        for email in w.some(accounts, 1, 3):
            fields = {"stars": w.number(1, 5), "text": w.either(0.7, w.text())}
            w.put("review", fields | {"at": w.iso()}, good, email)
        w.put("stars", {"mean": w.amount(5), "n": w.number(1, 3)}, good)
    for _ in range(w.few(0.3)):
        w.put("rate", w.number(1, 60), f"10.{w.number(0, 255)}.{w.number(0, 255)}.{w.count}")
        w.count += 1
    w.put("featured", w.some(keys, 8, 12))
    for day in range(30):
        w.put("daily", {"visits": w.number(0, 999), "orders": w.number(0, 30)}, w.day(day))
    w.put("currency", "EUR")
    old = [{"id": i, "account": w.pick(accounts), "items": w.number(1, 5)} for i in range(12)]
    w.put("old", old)
