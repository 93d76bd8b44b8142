from __future__ import annotations

from api import HERE, PASSWORD, Api


async def test_sign_up_log_in_and_read(api: Api) -> None:
    ada = await api.sign_up("Ada Okafor", major="Biology")
    await api.sign_up("Ben Sato")
    page = (await ada.get("/profiles")).json()
    assert [p["name"] for p in page["items"]] == ["Ben Sato", "Ada Okafor"]
    answer = await api.post("/auth/login", {"email": ada.email.upper(), "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["user_id"] == ada.id
    me = (await ada.get("/profiles/me")).json()
    assert me["email"] == ada.email and me["school"] == HERE
