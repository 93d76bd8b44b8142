"""Three more invented apps that are held back, in the most usual habits."""

from __future__ import annotations

from typing import Any

from .values import ABSENT, doc
from .world import World

LIBRARY = r"""
book         book:{isbn}                     document  ~genres[]>genre
books        books:all                       ids       []>book =book
member       member:{memberId}               document  branchId>branch
card         member_by_card:{cardNumber}     scalar    $>member =member
loans        member:{memberId}:loans         ids       []>loan ~{memberId}>member =loan
loan         loan:{loanId}                   document  bookIsbn>book memberId>member branchId>branch
holds        book:{isbn}:holds               ids       []>member ~{isbn}>book
genre        genre:{genre}:books             ids       []>book =book
branch       branch:{code}                   document  managerId>member
review       review:{isbn}:{memberId}        document  {isbn}>book {memberId}>member
fine         fine:{memberId}:{ms}            document  {memberId}>member loanId>loan
overdue      loans:overdue                   ids       []>loan =loan
counter      stats:loans:{month}             scalar
settings     settings:library                document
session      session:{token}                 document  memberId>member
"""


def library(w: World) -> None:
    branches = ["ZH1", "ZH2", "BE1", "GE1", "LU1", "SG1"]
    genres = ["Science Fiction", "Krimi", "Poésie", "History", "Cooking", "Travel", "Kinder"]
    members = [w.uuid() for _ in range(w.few(0.7))]
    for member in members:
        name, card = w.full_name(), f"LC-{w.digits(7)}"
        fields = doc(id=member, name=name, email=w.email(name), cardNumber=card)
        fields |= doc(branchId=w.pick(branches), phone=w.maybe(0.6, w.phone()), createdAt=w.iso())
        w.put("member", fields | {"isBlocked": w.chance(0.05)}, member)
    for code in branches:
        fields = {"code": code, "name": w.title(), "managerId": w.pick(members)}
        w.put("branch", fields | {"openingHours": {"mon": "9-18", "sat": "9-16"}}, code)
    books = [f"978{w.digits(10)}" for _ in range(w.size)]
    for isbn in books:
        fields = doc(isbn=isbn, title=w.title(), author=w.full_name(), year=w.number(1950, 2024))
        fields |= doc(
            genres=w.some(genres, 1, 2), copies=w.number(1, 5), cover=w.maybe(0.7, w.url())
        )
        w.put("book", fields | {"addedAt": w.iso()}, isbn)
        if w.chance(0.2):
            w.put("holds", w.some(members, 0, 4), isbn)
        for member in w.some(members, 0, 1):
            fields = {"rating": w.number(1, 5), "text": w.text(), "memberName": w.full_name()}
            w.put("review", fields | {"createdAt": w.iso()}, isbn, member)
    w.index("card", "member", by="cardNumber")
    w.index("books", "book")
    w.index("genre", "book", by="genres[]")
    for _ in range(w.few(1.2)):
        _lent(w, w.pick(books), w.pick(members), w.pick(branches))
    w.index("loans", "loan", by="memberId")
    w.index(
        "overdue",
        "loan",
        by="status",
        locate=lambda *_: (),
        where=lambda row: row["status"] == "overdue",
    )
    for month in range(1, 13):
        w.put("counter", w.number(20, 900), f"2024-{month:02d}")
    w.put("settings", {"maxLoans": 6, "loanDays": 28, "fineCentsPerDay": 20})
    for member in w.some(members, w.few(0.15), w.few(0.15)):
        w.put("session", {"memberId": member, "expiresAt": w.ms()}, w.token(43))


def _lent(w: World, isbn: str, member: str, branch: str) -> None:
    made = f"{w.ms()}-{w.rand(6)}"
    status = w.pick(["active", "returned", "returned", "returned", "overdue"])
    fields = doc(id=made, bookIsbn=isbn, memberId=member, branchId=branch, status=status)
    fields |= doc(loanedAt=w.iso(), dueDate=w.date())
    w.put("loan", fields | doc(returnedAt=w.iso() if status == "returned" else ABSENT), made)
    if status == "overdue" and w.chance(0.7):
        owed = {"loanId": made, "cents": w.number(20, 900), "paid": w.chance(0.4)}
        w.put("fine", owed, member, w.ms())


FITNESS = r"""
profile       profile:{userId}                  document  ~currentPlan>plan
handle        handle:{handle}                   scalar    $>profile =profile
workout       workout:{userId}:{date}:{n}       document  {userId}>profile planId>plan
workouts      user_workouts:{userId}            ids       []>workout ~{userId}>profile =workout
plan          plan:{planId}                     document  authorId>profile
chosen        user_plan:{userId}                scalar    $>plan {userId}>profile
followers     followers:{userId}                ids       []>profile ~{userId}>profile ~=following
following     following:{userId}                ids       []>profile ~{userId}>profile ~=followers
challenge     challenge:{id}                    document  createdBy>profile participants{}>profile
board         leaderboard:{challengeId}         objects   {challengeId}>challenge [].userId>profile ~=challenge
post          post:{postId}                     document  authorId>profile workoutKey>workout
likes         post:{postId}:likes               ids       []>profile ~{postId}>post
comments      post:{postId}:comments            objects   [].authorId>profile ~{postId}>post
posts         posts:recent                      ids       []>post
weights       weight-log:{userId}               objects   {userId}>profile
streak        streak:{userId}                   scalar    {userId}>profile
notices       notifications:{userId}            objects   {userId}>profile [].fromUserId>profile
badge         badges:{userId}                   ids       {userId}>profile
limit         ratelimit:{userId}:{minute}       scalar    ~{userId}>profile
"""  # noqa: E501


def fitness(w: World) -> None:
    w.sentinels.add("system")
    users = [w.uuid() for _ in range(w.size)]
    plans = [f"plan_{w.rand(8)}" for _ in range(w.few(0.08, 6))]
    for user in users:
        name = w.full_name()
        fields = doc(id=user, displayName=name, handle=w.handle(name), bio=w.maybe(0.6, w.text()))
        fields |= doc(heightCm=w.maybe(0.7, w.number(150, 200)), units="metric", joinedAt=w.iso())
        w.put("profile", fields | doc(currentPlan=w.maybe(0.3, w.pick(plans))), user)
        if w.chance(0.5):
            w.put("streak", w.number(0, 90), user)
        if w.chance(0.3):
            w.put("chosen", w.pick(plans), user)
        if w.chance(0.3):
            entries = [{"date": w.date(), "kg": w.amount(60) + 40} for _ in range(w.number(0, 5))]
            w.put("weights", entries, user)
        if w.chance(0.3):
            w.put(
                "badge", w.some(["first-run", "early-bird", "week-streak", "climber"], 1, 3), user
            )
    for plan in plans:
        weeks = [{"week": i + 1, "sessions": w.number(2, 5)} for i in range(w.number(1, 4))]
        fields = {"id": plan, "title": w.title(), "authorId": w.pick(users), "weeks": weeks}
        w.put("plan", fields | {"isPublic": w.chance(0.8)}, plan)
    w.index("handle", "profile", by="handle")
    for user in users:
        for day in w.some(range(200), 0, 3):
            fields = doc(minutes=w.number(10, 120), kind=w.pick(["run", "ride", "mirror"]))
            fields |= doc(planId=w.maybe(0.5, w.pick(plans)), notes=w.maybe(0.3, w.text()))
            w.put("workout", fields | {"loggedAt": w.iso()}, user, w.day(day), w.number(1, 2))
    w.index(
        "workouts",
        "workout",
        locate=lambda segments, *_: (segments[0],),
        give=lambda key, *_: key,
    )
    for user in users:
        if others := w.some([other for other in users if other != user], 0, 4):
            w.put("following", others, user)
    inverse: dict[str, list[str]] = {}
    for key, segments, others in w.of("following"):
        for other in others:
            inverse.setdefault(other, []).append(segments[0])
            w.excused |= {(key, "missing"), (key, "stale"), (key, "one_sided")}
    for user, others in inverse.items():
        key = w.put("followers", others, user)
        w.excused |= {(key, "missing"), (key, "stale"), (key, "one_sided")}
    _social(w, users)


def _social(w: World, users: list[str]) -> None:
    for _ in range(w.few(0.06, 5)):
        made, count = f"ch_{w.ms()}", w.number(3, 12)
        scores = {user: w.number(0, 900) for user in w.some(users, count, count)}
        fields = {"id": made, "title": w.title(), "createdBy": w.pick(users), "endsAt": w.iso()}
        w.put("challenge", fields | {"participants": scores}, made)
        ranked = sorted(scores, key=lambda user: -scores[user])[:5]
        w.put("board", [{"userId": user, "points": scores[user]} for user in ranked], made)
    done = [key for key, _, _ in w.of("workout")]
    posts = []
    for _ in range(w.few(0.6)):
        posts.append(made := f"post_{w.ms()}_{w.rand(7)}")
        fields = doc(id=made, authorId=w.pick(users), text=w.text(), createdAt=w.iso())
        w.put("post", fields | doc(workoutKey=w.maybe(0.5, w.pick(done)), likeCount=3), made)
        w.put("likes", w.some(users, 0, 6), made)
        comments = [
            {"id": w.uuid(), "authorId": w.pick(users), "text": w.text(), "at": w.iso()}
            for _ in range(w.number(0, 4))
        ]
        w.put("comments", comments, made)
    w.put("posts", posts[-20:])
    for user in w.some(users, w.few(0.3), w.few(0.3)):
        notices = [
            doc(id=w.uuid(), kind=w.pick(["follow", "like", "tip"]), read=w.chance(0.5))
            | {"fromUserId": w.either(0.85, w.pick(users), "system"), "at": w.iso()}
            for _ in range(w.number(1, 5))
        ]
        w.put("notices", notices, user)
    for user in w.some(users, w.few(0.2), w.few(0.2)):
        w.put("limit", w.number(1, 30), user, w.ms() // 60000)


HELPDESK = r"""
tenant       tenant:{slug}                      document
domain       tenant_domain:{domain}             scalar    $>tenant =tenant
mail         agent:email:{email}                scalar    $>agent =agent
agent        agent:{slug}:{agentId}             document  {slug}>tenant ~tenantSlug>tenant by:agentId
ticket       ticket:{slug}:{number}             document  {slug}>tenant assigneeId>agent requesterEmail>requester ~tenantSlug>tenant number~\d+
requester    requester:{email}                  document
comments     ticket:{slug}:{number}:comments    objects   ~{slug}>tenant [].authorId>agent
files        ticket:{slug}:{number}:files       objects   ~{slug}>tenant ~[].uploadedBy>agent
open         open_tickets:{slug}                ids       []>ticket {slug}>tenant =ticket
assigned     agent_tickets:{agentId}            ids       []>ticket {agentId}>agent =ticket
article      kb:{slug}:{article}                document  {slug}>tenant authorId>agent
number       counter:{slug}                     scalar    {slug}>tenant
apikey       apikey:{hash}                      document  tenantSlug>tenant createdBy>agent
audit        audit:{slug}:{ms}                  document  {slug}>tenant actorId>agent ticketKey>ticket
sla          sla:{slug}                         document       {slug}>tenant
lock         lock:ticket:{slug}:{number}        scalar    ~{slug}>tenant
tags         tags                               ids
"""  # noqa: E501


def helpdesk(w: World) -> None:
    w.sentinels |= {"requester", "automation"}
    tenants, agents = w.slugs(w.few(0.06, 5)), dict[str, str]()
    for slug in tenants:
        fields = doc(slug=slug, name=w.title(), domain=f"{slug}.example.com", plan="pro")
        w.put("tenant", fields | {"createdAt": w.iso(), "seats": w.number(2, 30)}, slug)
        w.put("sla", {p: {"hours": w.number(1, 72)} for p in ("low", "normal", "high")}, slug)
        for _ in range(w.number(2, max(3, w.size // 25))):
            agent, name = f"agt_{w.rand(10)}", w.full_name()
            agents[agent] = slug
            fields = doc(id=agent, name=name, email=w.email(name), tenantSlug=slug)
            w.put("agent", fields | {"role": w.pick(["admin", "agent"])}, slug, agent)
        for article in dict.fromkeys(w.slugs(w.number(1, 5))):
            mine = w.pick([agent for agent, of in agents.items() if of == slug])
            fields = {"title": w.title(), "body": w.text(20, 60), "authorId": mine}
            w.put("article", fields | {"published": w.chance(0.8)}, slug, article)
    w.index("domain", "tenant", by="domain")
    w.index("mail", "agent", by="email")
    requesters = [w.email(w.full_name()) for _ in range(w.few(0.5))]
    for email in requesters:
        w.put("requester", doc(name=w.full_name(), company=w.maybe(0.5, w.title())), email)
    numbers = dict.fromkeys(tenants, 0)
    for _ in range(w.size):
        slug = w.pick(tenants)
        numbers[slug] += 1
        _filed(w, slug, numbers[slug], [a for a, of in agents.items() if of == slug], requesters)
    for slug, number in numbers.items():
        w.put("number", number, slug)
    w.index(
        "open",
        "ticket",
        by="status",
        locate=lambda segments, *_: (segments[0],),
        give=lambda key, *_: key,
        where=lambda row: row["status"] == "open",
    )
    w.index("assigned", "ticket", by="assigneeId", give=lambda key, *_: key)
    for _ in range(w.few(0.1, 5)):
        agent = w.pick(list(agents))
        fields = {"tenantSlug": agents[agent], "createdBy": agent, "scopes": ["read"]}
        w.put("apikey", fields | {"lastUsedAt": w.either(0.5, w.iso())}, w.hex(32))
    w.put("tags", ["billing", "bug", "question", "urgent", "refund"])


def _filed(w: World, slug: str, number: int, agents: list[str], requesters: list[str]) -> None:
    status = w.pick(["open", "open", "pending", "solved", "closed"])
    agent = w.pick(agents)
    value = doc(
        number=number,
        tenantSlug=slug,
        subject=w.title(),
        body=w.text(6, 40),
        status=status,
        priority=w.pick(["low", "normal", "high"]),
        assigneeId=agent if w.chance(0.8) else None,
        requesterEmail=w.pick(requesters),
        tags=w.some(["billing", "bug", "question"], 0, 2),
        createdAt=w.iso(),
        solvedAt=w.iso() if status in ("solved", "closed") else ABSENT,
    )
    key = w.put("ticket", value, slug, number)
    comments: list[dict[str, Any]] = []
    for author in w.random.choices([agent, "requester"], k=w.number(0, 5)):
        comments.append({"authorId": author, "text": w.text(), "at": w.iso(), "internal": False})
    w.put("comments", comments, slug, number)
    if w.chance(0.2):
        files = [{"name": w.slug(), "url": w.url("file"), "uploadedBy": agent}]
        w.put("files", files, slug, number)
    if w.chance(0.4):
        actor = agent if w.chance(0.8) else "automation"
        fields = {"actorId": actor, "action": "status_changed", "ticketKey": key}
        w.put("audit", fields | {"to": status}, slug, w.ms())
    if w.chance(0.05):
        w.put("lock", w.ms(), slug, number)
