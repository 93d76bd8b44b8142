"""The pages in a real browser: two people at once, on a server with a port, in light and dark."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from api import HERE, PASSWORD
from lacking import lacking
from live import Site, running_site
from outgrow.db.pool import Database

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 860}
Visitor = Callable[..., Awaitable[Any]]


@pytest.fixture
async def site(campus: Database, campus_url: str) -> AsyncIterator[Site]:
    async with running_site(campus_url) as made:
        yield made


@pytest.fixture
async def visitor(site: Site) -> AsyncIterator[Visitor]:
    """`await visitor("Ada")`: a page in a browser of their own, signed up. What the browser
    complains of, a script that fails or something the policy forbids, fails the test."""
    from playwright.async_api import async_playwright

    if CHROMIUM is None:
        lacking("there is no Chromium (apt-get install chromium)")
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )

        async def visitor(name: str = "", **options: Any) -> Any:
            options = {
                "viewport": PHONE,
                "reduced_motion": "reduce",
                "base_url": site.url.replace("ws:", "http:").removesuffix("/live"),
                **options,
            }
            context = await browser.new_context(**options)
            page = await context.new_page()
            page.set_default_timeout(15_000)
            page.on("pageerror", lambda e: complaints.append(str(e)))
            page.on(
                "console",
                lambda m: complaints.append(m.text) if "Security Policy" in m.text else None,
            )
            if name:
                await page.goto("/sign-up")
                await page.fill("#name", name)
                await page.fill("#school", HERE)
                await page.fill("#email", f"{name.split()[0].lower()}@campus.example")
                await page.fill("#password", PASSWORD)
                await page.click("main button")
                await page.wait_for_selector("text=Welcome!")
            return page

        yield visitor
        await browser.close()
    assert complaints == []


async def meet(ada: Any, ben: Any, reason: str, note: str = "") -> None:
    """Ada, who sees Ben in a list, says hello to him, and he says yes; he is in their chat then."""
    await ada.click("text=Ben Silva")
    await ada.click("summary >> text=Say hello")
    await ada.click(f"text={reason}")
    await ada.fill("#note", note)
    await ada.click("text=Send")
    await ada.wait_for_selector("text=Your intro is on its way.")
    await ben.goto("/my/intros")
    await ben.click("text=Accept")
    await ben.wait_for_selector("text=You are connected now.")


async def say(page: Any, text: str, *, by_key: bool = False) -> None:
    """In the chat that the page shows."""
    await page.fill("#content", text)
    await (page.press("#content", "Enter") if by_key else page.click("[aria-label=Send]"))


async def introduced(ada: Any, ben: Any) -> None:
    """Both are in their chat then."""
    await ada.goto("/find")
    await ada.type("#q", "ben sil")
    await meet(ada, ben, "Studying together", "Shall we?")
    await ada.reload()
    await ada.click("text=Message")
    await ada.wait_for_selector("[data-composer]")


async def test_two_people_from_sign_up_to_a_chat(visitor: Visitor) -> None:
    """Everything that is said arrives at the other while they look, once and in order."""
    ada, ben = await visitor("Ada Okafor"), await visitor("Ben Silva", viewport=DESK)
    await introduced(ada, ben)
    for page, other, text in (
        (ada, ben, "Hello Ben"),
        (ben, ada, "<b>Hello</b> Ada"),
        (ada, ben, "Chess at five?"),
        (ben, ada, "Yes!"),
    ):
        await say(page, text)
        await other.wait_for_selector(f".theirs >> text={text}")
        await page.wait_for_selector(f".mine[data-pos] >> text={text}")
    for page in (ada, ben):
        messages = await page.eval_on_selector_all(
            ".messages li", "all => all.map(one => one.querySelector('p').lastChild.textContent)"
        )
        assert messages == ["Hello Ben", "<b>Hello</b> Ada", "Chess at five?", "Yes!"]
    await ada.type("#content", "I am still wri", delay=250)
    await ben.wait_for_selector("text=is typing…")
    await ada.goto("/people")
    await say(ben, "Are you there?", by_key=True)
    await ben.wait_for_selector(".mine[data-pos] >> text=Are you there?")
    await ada.goto("/my/chats")
    await ada.wait_for_selector("text=Are you there?")
    await say(ben, "Hello?", by_key=True)
    await ada.wait_for_selector(".chats >> text=Hello?")


async def test_a_chat_that_closes_while_somebody_writes(visitor: Visitor) -> None:
    """What they wrote stays to be seen, and why it is closed stands where they wrote it."""
    ada, ben = await visitor("Ada Okafor"), await visitor("Ben Silva")
    await introduced(ada, ben)
    await say(ada, "Hello Ben")
    await ada.wait_for_selector(".mine[data-pos] >> text=Hello Ben")
    await ben.click(".who")
    await ben.click("text=Block Ada Okafor")
    await ben.click("button >> text=Block")
    await ben.wait_for_selector("text=You no longer see each other.")
    await say(ada, "Are you there?")
    await ada.wait_for_selector("[data-closed] >> text=You can still read this chat.")
    assert await ada.query_selector("[data-composer]") is None
    assert "Not sent." in await ada.inner_text(".failed")
    assert await ada.query_selector(".failed button") is None
    await ada.reload()
    closed = await ada.inner_text("[data-closed]")
    assert closed == "They are not here any more. You can still read this chat."
    assert await ada.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_search_filters_and_lists_while_one_types(site: Site, visitor: Visitor) -> None:
    for number in range(30):
        year = "Senior" if number % 3 else "Junior"
        await site.api.sign_up(f"Cai Number{number:02}", year=year)
    ada = await visitor("Ada Okafor", viewport=DESK)
    await ada.goto("/find")
    await ada.type("#q", "cia number07")
    await ada.wait_for_selector("mark >> text=Cai")
    assert await ada.locator(".person").count() >= 1
    assert "q=cia+number07" in ada.url
    await ada.goto("/people")
    await ada.select_option("#year", "Junior")
    await ada.wait_for_selector("text=10 people")
    await ada.goto("/people")
    assert await ada.locator(".person").count() == 24
    await ada.click("text=Show more")
    await ada.wait_for_selector("[data-list] > .person:nth-child(31)")
    ben = await visitor("Ben Silva")
    await ben.goto("/people")
    await ben.click("summary >> text=Filter")
    await ben.select_option("#year", "Junior")
    await ben.click("[data-filters] button")
    await ben.wait_for_selector("text=10 people")
    assert not await ben.is_visible("#year"), "on a phone the form makes room for what it found"


async def test_without_script_everything_is_there(visitor: Visitor) -> None:
    ada = await visitor("Ada Okafor", java_script_enabled=False)
    ben = await visitor("Ben Silva", java_script_enabled=False)
    await ada.goto("/people")
    await ada.fill("#q", "ben")
    await ada.click("main button >> text=Find")
    await meet(ada, ben, "Making friends")
    await say(ben, "Hello Ada")
    await ada.goto("/my/chats")
    await ada.click("text=Hello Ada")
    await ada.wait_for_selector(".theirs >> text=Hello Ada")


_RULES = """() => {
  const wrong = [];
  const shown = (e) => e.checkVisibility({checkVisibilityCSS: true});
  const name = (e) => (e.getAttribute('aria-label') || e.labels?.[0]?.textContent
    || e.textContent || '').trim();
  if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
  if (!document.documentElement.lang) wrong.push('no language');
  if (!document.querySelector('main')) wrong.push('no main');
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  if (new Set(ids).size !== ids.length) wrong.push('an id twice');
  for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
    if (!e.labels?.length) wrong.push('no label: ' + e.outerHTML);
    for (const id of (e.getAttribute('aria-describedby') || '').split(' '))
      if (id && !document.getElementById(id)) wrong.push('described by nothing: ' + id);
  }
  for (const e of document.querySelectorAll('a[href], button, summary')) {
    if (!name(e)) wrong.push('no name: ' + e.outerHTML);
    const box = e.getBoundingClientRect();
    const inText = e.tagName === 'A' && ['P', 'H2', 'B'].includes(e.parentElement.tagName)
      && !e.classList.contains('button') && !e.classList.contains('back');
    if (shown(e) && box.height && box.height < 43.5 && !inText && !e.classList.contains('skip')
        && !e.closest('.head') && !e.closest('.card.person'))
      wrong.push(`only ${box.height} high: ` + e.outerHTML.slice(0, 90));
  }
  for (const e of document.querySelectorAll('main bdi')) {
    const around = [e.previousSibling, e.nextSibling];
    const beside = around.some((n) => n?.nodeType === 3 && n.data.trim());
    if (beside && getComputedStyle(e.parentElement).display.includes('flex'))
      wrong.push('no blank around a name: ' + e.parentElement.outerHTML.slice(0, 90));
  }
  for (const e of document.querySelectorAll('.row .grow'))
    if (shown(e) && e.getBoundingClientRect().width < 100) wrong.push('squeezed: ' + e.innerText);
  if (document.documentElement.scrollWidth > innerWidth) wrong.push('wider than the screen');
  return wrong;
}"""
_CONTRAST = """() => {
  const parse = (c) => {
    const n = c.match(/[\\d.]+/g).map(Number);
    return {rgb: n.slice(0, 3), a: n[3] ?? 1};
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => {
      v /= 255;
      return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.a === 1) return c.rgb;
    }
    return [255, 255, 255];
  };
  const wrong = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest('template')) continue;
    if (e.closest('.unseen, .skip')) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color).rgb), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) wrong.push(`${ratio.toFixed(2)}: ${walker.currentNode.data.trim()}`);
  }
  return wrong;
}"""


async def test_pages_are_for_everybody(visitor: Visitor) -> None:
    """Labels, one heading, targets for thumbs, contrast, no scrolling sideways, on every page."""
    ada, ben = await visitor("Ada Okafor"), await visitor("Ben Silva", viewport=DESK)
    guest, phone = await visitor(), await visitor()
    await phone.goto("/sign-in")
    await phone.fill("#email", "ada@campus.example")
    await phone.fill("#password", PASSWORD)
    await phone.click("main button")
    await phone.wait_for_selector("text=Ben Silva")
    await introduced(ada, ben)
    chat = re.sub(r"[?#].*", "", ada.url)
    person = await ben.evaluate("document.querySelector('.who').getAttribute('href')")
    seen = {}
    inside = ("/people", "/find?q=b", "/meet", "/my/intros", "/my/intros/sent", "/my/connections")
    more = ("/my/settings", "/my/profile", "/my/account", "/my/account/delete", "/my/blocked")
    outside = ("/", "/sign-in", "/sign-up", "/forgot", "/sign-up/code", "/nothing")
    for page, paths in (
        (ben, (*inside, *more, person, f"{person}/report", chat, "/my/chats", "/people/nobody")),
        (ada, ("/people", "/my/chats", chat, "/my/settings", "/my/account")),
        (guest, outside),
    ):
        for path in paths:
            await page.goto(path)
            wrong = await page.evaluate(_RULES)
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme)
                wrong += await page.evaluate(_CONTRAST)
            if wrong:
                seen[path] = wrong
    assert seen == {}


async def test_long_words_widen_no_page(site: Site, visitor: Visitor) -> None:
    word = "abcdefghij" * 10
    odd = await site.api.sign_up(word, major=word, year=word[:40], interests=[word] * 5)
    photos = [f"https://{word}.example/{word}"]
    goals = {"academic": [word], "career": word}
    await odd.call("PATCH", "/profiles/me", json={"bio": word, "goals": goals, "photos": photos})
    ada = await visitor("Ada Okafor")
    await ada.goto("/my/settings")
    profile_link = await ada.get_attribute("a.card.row", "href")
    note = {"to": profile_link.rpartition("/")[2], "reason": "study", "note": word}
    intro = (await odd.call("POST", "/intros", json=note)).json()["id"]
    await ada.goto("/my/intros")
    assert await ada.evaluate(_RULES) == []
    await ada.click("text=Accept")
    await ada.wait_for_selector("text=You are connected now.")
    chat = ":".join(sorted(intro.split(":")[:2]))
    sent = {"json": {"content": word * 3}, "headers": {"idempotency-key": "1"}}
    assert (await odd.call("POST", f"/chats/{chat}/messages", **sent)).status_code == 201
    person = f"/people/{odd.id}"
    lists = ("/people", "/find?q=abcdefg", "/my/intros", "/my/chats", "/my/connections")
    for path in (*lists, person, f"{person}/report", f"/my/chats/{chat}", f"/people?major={word}"):
        await ada.goto(path)
        assert word[:20] in await ada.inner_text("main"), path
        for width in (320, 390, 1280):
            await ada.set_viewport_size({"width": width, "height": 800})
            assert await ada.evaluate(_RULES) == [], (path, width)


async def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    ada = await visitor("Ada Okafor")
    await ada.goto("/people")
    await ada.keyboard.press("Tab")
    assert await ada.evaluate("document.activeElement.className") == "skip"
    await ada.keyboard.press("Enter")
    assert await ada.evaluate("document.activeElement.id") == "main"
    for _ in range(40):
        await ada.keyboard.press("Tab")
        style = await ada.evaluate(
            "(e => [e.tagName, getComputedStyle(e).outlineStyle, getComputedStyle(e, '::after')"
            ".outlineStyle])(document.activeElement)"
        )
        if style[0] == "BODY":
            break
        assert "solid" in style[1:], style
