"""A campus, events with chats, and mechanics on demand: what their keys and values look like."""

from __future__ import annotations

from typing import Any

from .values import ABSENT, doc
from .world import World

CAMPUS = """
user          user:{userId}                                         document  school>at_school blockedUsers[]>user
connections   user:{userId}:connections                             ids       []>user ~{userId}>user symmetric
chats         user:{userId}:chats                                   ids       []>chat ~{userId}>user =chat
incoming      user:{userId}:soft-intros:incoming                    ids       []>intro ~{userId}>user =intro
outgoing      user:{userId}:soft-intros:outgoing                    ids       []>intro ~{userId}>user =intro
suggested     user:{userId}:soft-intros-incoming                    ids       []>soft ~{userId}>user =soft
ratings       user:{userId}:love-ratings                            map       {}>user ~{userId}>user
loves         user:{userId}:love-relationships                      ids       []>love ~{userId}>user =love
daily         user:{userId}:daily-question:{date}                   document  {userId}>user ~=user
at_school     school:{school...}:users                              ids       []>user =user
schools       schools:all                                           ids       []>at_school =user ~=at_school
intro         intro:{fromUserId}:{toUserId}:{ms}                    document  fromUserId>user toUserId>user ~{fromUserId}>user ~{toUserId}>user
soft          soft-intro:soft-intro:{fromUserId}:{toUserId}:{ms}    document  fromUserId>user toUserId>user ~{fromUserId}>user ~{toUserId}>user
made          connection:connection:{fromUserId}:{toUserId}         document  userId1>user userId2>user ~{fromUserId}>user ~{toUserId}>user
chat          chat:{a}:{b}                                          document  participants[]>user userId1>user userId2>user ~{a}>user ~{b}>user ~messages[].senderId>user
messages      chat:{a}:{b}:messages                                 objects   [].senderId>user [].readBy[]>user ~{a}>user ~{b}>user
typing        chat:{a}:{b}:typing:{userId}                          document  {userId}>user ~userId>user ~{a}>user ~{b}>user
quiz          quiz:{userId}                                         document  userId>user ~{userId}>user ~userProfile.id>user ~userProfile.school>at_school ~userProfile.blockedUsers[]>user
assistant     ai-assistant:{userId}                                 document  userId>user ~{userId}>user ~messages[].senderId>user messages[].metadata.introRequestId>soft messages[].metadata.fromUserId>user messages[].metadata.profiles[].id>user
love          love:{ms}:{userId1}:{userId2}                         document  userId1>user userId2>user revealRequestedBy>user ~{userId1}>user ~{userId2}>user
love_messages love:{ms}:{userId1}:{userId2}:messages                objects   [].relationshipId>love [].senderId>user ~{userId1}>user ~{userId2}>user
compatibility compatibility:{userId1}:{userId2}                     document  {userId1}>user {userId2}>user
screening     screening:{hash16}                                    document
report        report:{ms}:{reporterId}                              document  reporterId>user reportedUserId>user ~{reporterId}>user
reports       reports:all                                           objects   [].id>report ~[].reporterId>user ~[].reportedUserId>user =report
oauth         oauth:{provider}:{userId}                             document  {userId}>user
"""  # noqa: E501
YEARS = ["Freshman", "Sophomore", "Junior", "Senior", "Grad"]
SCHOOLS = [
    "Universität Zürich",
    "State College: West Campus",
    "100% Arts, Music & Design",
    "Institut für Gärten",
    "Northern Tech",
    "São Paulo Polytechnic",
]
TOPICS = ["hiking", "chess", "ceramics", "robotics", "choir", "baking", "film", "rowing", "go"]
WANTED = ["friends", "roommate", "study", "collaborate", "network", "event-buddy"]


def _student(w: World, user: str, school: str) -> dict[str, Any]:
    name = w.full_name()
    habits = {"sleepSchedule": w.pick(["early", "late"]), "cleanliness": w.number(1, 5)}
    print_ = doc(
        traits={trait: w.amount(1) for trait in ("openness", "calm", "humour")},
        personality={"primaryType": w.pick(TOPICS), "secondaryTraits": w.some(TOPICS, 1, 2)},
        values=w.some(WANTED, 1, 3),
        summary=w.text(8, 30),
        createdAt=w.iso(),
        quizVersion="2.0",
    )
    social = {"linkedin": {"connected": True, "username": w.handle(name), "accessToken": w.token()}}
    return doc(
        id=user,
        email=w.email(name),
        name=name,
        school=school,
        major=w.maybe(0.9, w.pick(["Biology", "History", "Physics", "Law", "Design"])),
        year=w.maybe(0.9, w.pick(YEARS)),
        age=w.maybe(0.6, w.number(18, 34)),
        pronouns=w.maybe(0.3, w.pick(["she/her", "he/him", "they/them"])),
        bio=w.maybe(0.8, w.text(4, 40)),
        interests=w.maybe(0.9, w.some(TOPICS, 0, 5)),
        lookingFor=w.maybe(0.9, w.some(WANTED, 0, 3)),
        photos=w.maybe(0.5, [w.url() for _ in range(w.number(0, 3))]),
        livingHabits=w.either(0.7, habits, {}),
        socials=w.either(0.3, {"instagram": w.handle(name)}, {}),
        goals={"academic": w.some(WANTED, 0, 2), "leisure": w.some(TOPICS, 0, 2)},
        settings={
            flag: w.chance(0.8) for flag in ("readReceipts", "profileVisible", "allowMessages")
        },
        blockedUsers=[],
        bondPrint=w.maybe(0.3, print_),
        loveModeActivated=w.maybe(0.3, True),
        socialConnections=w.maybe(0.1, social),
        createdAt=w.maybe(0.2, w.iso()),
        updatedAt=w.iso(),
    )


def _message(w: World, ids: str, sender: str, other: str) -> dict[str, Any]:
    ms = w.ms()
    is_read = w.chance(0.6)
    return {
        "id": f"{ids}:{ms}",
        "senderId": sender,
        "content": w.text(),
        "timestamp": w.iso(ms),
        "readBy": [other] if is_read else [],
        "readAt": w.later(ms) if is_read else None,
    }


def campus(w: World) -> None:
    w.sentinels |= {"ai-assistant", "system"}
    users = [f"test-{w.ms()}-{i}-{w.rand()}" if w.chance(0.15) else w.uuid() for i in range(w.size)]
    weights = [8, 5, 4, 3, 2, 1]
    for user in users:
        w.put("user", _student(w, user, w.random.choices(SCHOOLS, weights)[0]), user)
    profiles = {segments[0]: row for _, segments, row in w.of("user")}
    for user in w.some(users, w.few(0.1), w.few(0.15)):
        profiles[user]["blockedUsers"] = w.some([u for u in users if u != user], 1, 3)
    w.index("at_school", "user", by="school")
    w.index(
        "schools",
        "user",
        by="school",
        locate=lambda *_: (),
        give=lambda key, segments, row: row["school"],
        is_planted=False,
    )
    pairs = _pairs(w, users, w.few(1.6))
    lists: dict[str, list[str]] = {user: [] for user in users if w.chance(0.9)}
    for a, b in pairs[: w.few(1.2)]:
        lists.setdefault(a, []).append(b)
        lists.setdefault(b, []).append(a)
    for user, others in lists.items():
        w.put("connections", others, user)
    _asked(w, _pairs(w, users, w.few(1.1)))
    _suggested(w, users)
    _talk(w, pairs[: w.few(0.6)])
    _love(w, users)
    _rest(w, users, profiles)


def _pairs(w: World, users: list[str], count: int) -> list[tuple[str, str]]:
    chosen: dict[tuple[str, str], None] = {}
    while len(chosen) < count:
        a, b = w.random.sample(users, 2)
        chosen[min(a, b), max(a, b)] = None
    pairs = list(chosen)
    w.random.shuffle(pairs)
    return pairs


def _asked(w: World, pairs: list[tuple[str, str]]) -> None:
    for pair in pairs:
        a, b = w.random.sample(pair, 2)
        ms = w.ms()
        status = w.pick(["pending", "accepted", "denied"])
        analysis = {"score": w.number(20, 95), "highlights": [w.text()], "analysis": w.text()}
        value = doc(
            id=f"intro:{a}:{b}:{ms}",
            fromUserId=a,
            toUserId=b,
            reason=w.pick(WANTED),
            analysis=w.either(0.7, analysis),
            status=status,
            createdAt=w.iso(ms),
            acceptedAt=w.later(ms) if status == "accepted" else ABSENT,
            deniedAt=w.later(ms) if status == "denied" else ABSENT,
        )
        w.put("intro", value, a, b, ms)
    w.index("incoming", "intro", by="toUserId", give=lambda key, *_: key)
    w.index("outgoing", "intro", by="fromUserId", give=lambda key, *_: key)


def _suggested(w: World, users: list[str]) -> None:
    for index, pair in enumerate(_pairs(w, users, w.few(0.25))):
        a, b = w.random.sample(pair, 2)
        ms = w.ms()
        status = w.pick(["pending", "accepted", "declined"])
        value = doc(
            id=f"soft-intro:{a}:{b}:{ms}",
            fromUserId=a,
            toUserId=b,
            reason=w.pick(WANTED),
            context=w.maybe(0.5, w.text()),
            aiMessage=w.text(8, 30),
            status=status,
            createdAt=w.iso(ms),
            respondedAt=ABSENT if status == "pending" else w.later(ms),
        )
        w.put("soft", value, a, b, ms)
        if index % 2:
            dates = {"status": "connected", "createdAt": w.iso(), "source": "ai-soft-intro"}
            value = {"id": f"connection:{a}:{b}", "userId1": a, "userId2": b, **dates}
            w.put("made", value, a, b)
    w.index("suggested", "soft", by="toUserId", give=lambda key, *_: key.split(":", 1)[1])


def _talk(w: World, pairs: list[tuple[str, str]]) -> None:
    for index, (a, b) in enumerate(pairs):
        ids = f"{a}:{b}"
        if index % 20 == 19:  # shared from the forum: another document under the same key
            shared = {"type": "shared-post", "postId": w.uuid(), "postContent": w.text()}
            message = {"id": w.uuid(), "senderId": a, "content": w.text(), "timestamp": w.iso()}
            value = {"chatId": f"chat:{ids}", "userId1": a, "userId2": b, "createdAt": w.iso()}
            key = w.put("chat", value | {"messages": [message | {"metadata": shared}]}, a, b)
            w.excused.add((key, "missing"))
            continue
        w.put("chat", {"chatId": ids, "participants": [a, b], "createdAt": w.iso()}, a, b)
        messages = [_message(w, ids, *w.random.sample([a, b], 2)) for _ in range(w.number(0, 9))]
        if w.chance(0.3):
            hello = {"id": f"{ids}:{w.ms()}", "senderId": "ai-assistant", "content": w.text()}
            messages.insert(0, hello | {"timestamp": w.iso(), "type": "system"})
        w.put("messages", messages, a, b)
        if w.chance(0.15):
            user = w.pick([a, b])
            w.put("typing", {"userId": user, "timestamp": w.iso()}, a, b, user)
    w.index("chats", "chat", by="participants[]")


def _love(w: World, users: list[str]) -> None:
    for user in w.some(users, w.few(0.3), w.few(0.3)):
        rated = w.some([u for u in users if u != user], 1, 6)
        stamped = {u: {"rating": w.number(1, 10), "timestamp": w.iso()} for u in rated}
        w.put("ratings", stamped, user)
    for pair in _pairs(w, users, w.few(0.25)):
        a, b = w.random.sample(pair, 2)
        ms = w.ms()
        key = f"love:{ms}:{a}:{b}"
        value = doc(
            id=key,
            userId1=a,
            userId2=b,
            alias1=w.title(),
            alias2=w.title(),
            stage=w.number(1, 3),
            bondScore=w.number(0, 100),
            compatibilityScore=w.amount(10),
            aiReasoning=w.text(),
            safetyIndex=1.0,
            createdAt=w.iso(ms),
            revealRequestedBy=w.either(0.4, w.pick([a, b])),
            revealedAt=w.maybe(0.1, w.later(ms)),
        )
        w.put("love", value, ms, a, b)
        messages = []
        for sender in ["system", *(w.pick([a, b]) for _ in range(w.number(0, 6)))]:
            kind = "system" if sender == "system" else w.pick(["text", "text", "voice"])
            said_at = {"content": w.text(), "timestamp": w.iso()}
            ids = {"id": f"{key}:msg:{w.ms()}", "relationshipId": key, "senderId": sender}
            messages.append(ids | {"type": kind} | said_at)
        w.put("love_messages", messages, ms, a, b)
    for by in ("userId1", "userId2"):
        w.index("loves", "love", by=by, give=lambda key, *_: key, is_planted=False)


def _rest(w: World, users: list[str], profiles: dict[str, Any]) -> None:
    for user in w.some(users, w.few(0.2), w.few(0.2)):
        answers = []
        for day in w.random.sample(range(300), w.number(1, 5)):
            answer = {"answer": w.pick([w.text(), w.number(1, 5)]), "timestamp": w.iso()}
            w.put("daily", answer, user, w.day(day))
            answers.append({"date": w.day(day), **answer})
        print_ = {"answers": {"q1": w.text()}, "dailyAnswers": answers, "completedAt": w.iso()}
        profiles[user]["lovePrint"] = print_
    blockers = [user for user in users if profiles[user]["blockedUsers"]]
    for user in dict.fromkeys([blockers[0], *w.some(users, w.few(0.08), w.few(0.08))]):
        asked = {"question": w.text(), "answer": w.text(), "timestamp": w.iso()}
        fields = {
            "startedAt": w.iso(),
            "currentQuestion": 1,
            "answers": [asked],
            "usedGemini": True,
        }
        w.put("quiz", {"userId": user, **fields, "userProfile": dict(profiles[user])}, user)
    for a, b in _pairs(w, users, w.few(0.6)):
        a, b = w.random.sample([a, b], 2)
        value = {"shouldMatch": w.chance(0.5), "score": w.number(0, 100), "reasoning": w.text()}
        w.put("compatibility", value, a, b)
    for _ in range(w.few(0.4)):
        is_told = w.chance(0.2)
        value = doc(containsIdentity=is_told, reason=w.text() if is_told else ABSENT)
        w.put("screening", value, w.hex(16))
    for a, b in _pairs(w, users, w.few(0.08)):
        ms = w.ms()
        ids = {"id": f"report:{ms}:{a}", "reporterId": a, "reportedUserId": b}
        fields = {
            "reason": "spam",
            "details": w.text(),
            "timestamp": w.iso(ms),
            "status": "pending",
        }
        w.put("report", ids | fields, ms, a)
    w.index("reports", "report", give=lambda key, segments, row: row, drift="details")
    for user in w.some(users, w.few(0.06), w.few(0.06)):
        ms = w.ms()
        value = {"state": f"{user}:{ms}", "timestamp": ms}
        w.put("oauth", value, w.pick(["linkedin", "spotify"]), user)
    _assist(w, users, profiles)


def _assist(w: World, users: list[str], profiles: dict[str, Any]) -> None:
    asked: dict[str, list[dict[str, Any]]] = {}
    for _, _, row in w.of("soft"):
        asked.setdefault(row["toUserId"], []).append(row)
    chosen = dict.fromkeys([*list(asked)[: w.few(0.15)], *w.some(users, w.few(0.1), w.few(0.1))])
    for user in chosen:
        messages = []
        key = f"ai-assistant:{user}"
        for other in w.some(users, 1, 3):
            shown = {field: profiles[other].get(field) for field in ("id", "name", "major", "bio")}
            cards = {"type": "profile-suggestions", "profiles": [shown]}
            ids = {"id": f"{key}:search:{w.ms()}", "senderId": "ai-assistant", "type": "ai"}
            mine = {"id": f"{key}:{w.ms()}", "senderId": user, "type": "user"}
            fields = {"content": w.text(), "timestamp": w.iso()}
            messages += [mine | fields, ids | fields | {"metadata": cards}]
        for row in asked.get(user, []):
            fields = {"type": "soft-intro-request", "introRequestId": row["id"]}
            fields |= {"fromUserId": row["fromUserId"], "fromUserName": w.full_name()}
            ids = {"id": f"{key}:{w.ms()}", "senderId": "ai-assistant", "type": "ai"}
            messages.append(ids | {"content": w.text(), "timestamp": w.iso(), "metadata": fields})
        value = {"chatId": key, "userId": user, "messages": messages, "createdAt": w.iso()}
        w.put("assistant", value, user)


EVENTS = """
user      user:{id}                           document
handle    username:{username}                 scalar    $>user =user
event     event:{eventId}                     document  organizerId>user
attendees event:{eventId}:attendees           ids       []>user ~{eventId}>event
pointer   event:{eventId}:chatId              scalar    $>chat ~{eventId}>event =chat
chat      chat:{chatId}                       document  eventId>event
messages  chat:{chatId}:messages              objects   ~{chatId}>chat
read      chat:{chatId}:lastRead:{userId}     scalar    {userId}>user ~{chatId}>chat
"""


def events(w: World) -> None:
    w.sentinels.add("me")
    users = [w.uuid() if w.chance(0.5) else f"user_{w.ms()}" for _ in range(w.size)]
    for user in users:
        name = w.full_name()
        value = doc(
            id=user,
            name=name,
            username=w.handle(name),
            avatar=w.url("avatar"),
            bio=w.either(0.7, w.text(), ""),
            birthYear=w.pick([w.number(1970, 2005), str(w.number(1970, 2005))]),
            phone=w.phone(),
            availableForInvites=w.chance(0.7),
            createdAt=w.iso(),
            updatedAt=w.maybe(0.4, w.iso()),
        )
        w.put("user", value, user)
    w.index("handle", "user", by="username")
    chats = [_event(w, users) for _ in range(w.few(0.8))]
    for _ in range(w.few(0.5)):
        chat = f"chat_{w.ms()}_{w.rand()}" if w.chance(0.8) else w.uuid()
        w.put("chat", _chat(w, chat), chat)
        chats.append(chat)
    w.index("pointer", "chat", by="eventId", is_planted=True)
    for chat in chats:
        messages = []
        for _ in range(w.number(0, 8)):
            ids = {"id": f"msg_{w.ms()}_{w.rand()}", "text": w.text(), "isMine": w.chance(0.5)}
            messages.append(ids | {"time": w.clock(), "createdAt": w.iso()})
        w.put("messages", messages, chat)
        for user in w.some(users, 0, 3):
            w.put("read", w.ms(), chat, user)


def _chat(w: World, chat: str, **more: Any) -> dict[str, Any]:
    fields = {"lastMessage": w.text(), "time": w.clock(), "unread": w.number(0, 5)}
    named = {"id": chat, "name": w.title(), "avatar": w.url("avatar")}
    return named | fields | more | {"createdAt": w.iso()}


def _event(w: World, users: list[str]) -> str:
    event = f"evt_{w.ms()}_{w.rand()}"
    going = w.some(users, 0, 8)
    is_known = w.chance(0.9)
    value = doc(
        id=event,
        title=w.title(),
        location=w.title(),
        date=w.date(),
        time=w.clock(),
        organizerId=w.pick(users) if is_known else ABSENT,
        image=w.maybe(0.5, w.url()),
        attendees=len(going) + (not is_known),
        isJoined=w.chance(0.5),
        createdAt=w.iso(),
        updatedAt=w.maybe(0.3, w.iso()),
        category=w.maybe(0.3, w.pick(["sport", "music", "talk"])),
    )
    w.put("event", value, event)
    key = w.put("attendees", going if is_known else ["me", *going], event)
    w.excused |= set() if is_known else {(key, "dangling")}
    chat = f"event_chat_{event}"
    w.put("chat", _chat(w, chat, isEventChat=True, eventId=event), chat)
    return chat
