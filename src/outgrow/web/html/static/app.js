// The pages work without this script. With it, lists fill as you type and grow in place.

const results = () => document.querySelector("[data-results]");

/** Return the page at this address as a document, or null if a newer request was made since. */
let asked = 0;
async function page(address) {
  const mine = ++asked;
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  if (answer.redirected || !answer.ok) {
    location.assign(address);
    return null;
  }
  const text = await answer.text();
  return mine === asked ? new DOMParser().parseFromString(text, "text/html") : null;
}

function address(form) {
  const fields = [...new FormData(form)].filter(([, value]) => value !== "");
  return `${form.action}?${new URLSearchParams(fields)}`;
}

async function show(where) {
  const fresh = await page(where).catch(() => null);
  const found = fresh?.querySelector("[data-results]");
  if (!found) return;
  results().replaceWith(document.adoptNode(found));
  document.title = fresh.title;
  history.replaceState(null, "", where);
}

// Search as you type.
const search = document.querySelector("[data-search]");
if (search) {
  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => show(address(search)), 150);
  });
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    show(address(search));
  });
}

// A chosen filter applies immediately. On a narrow screen the results stay hidden until Show is pressed.
const filters = document.querySelector("[data-instant]");
const panel = document.querySelector("[data-filters]");
const is_wide = matchMedia("(min-width: 60rem)").matches;
if (panel && is_wide) panel.open = true;
if (filters) {
  filters.addEventListener("change", () => show(address(filters)));
  filters.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!is_wide) {
      panel.open = false;
      panel.scrollIntoView();
    }
    show(address(filters));
  });
}

// "Show more" appends the next page to this one.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-more]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  link.setAttribute("aria-busy", "true");
  const fresh = await page(link.href).catch(() => null);
  const list = fresh?.querySelector("[data-list]");
  if (!list) {
    link.removeAttribute("aria-busy");
    return;
  }
  const first = list.firstElementChild;
  document.querySelector("[data-list]").append(...list.children);
  const next = fresh.querySelector("[data-more]");
  if (next) link.replaceWith(next);
  else link.remove();
  first?.querySelector("a")?.focus();
});

// Show times in the local time zone.
function tell(time) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  const now = new Date();
  const today = moment.toDateString() === now.toDateString();
  const year = moment.getFullYear() === now.getFullYear() ? undefined : "numeric";
  time.textContent = today
    ? moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : moment.toLocaleDateString([], { day: "numeric", month: "short", year });
  time.title = moment.toLocaleString();
}
document.querySelectorAll("time[datetime]").forEach(tell);

// Calls of the API for the person signed in, with a token that is renewed before it expires.
const body = document.body.dataset;
const api = {
  token: null,
  until: 0,
  async bearer() {
    if (Date.now() > this.until) {
      const token = document.querySelector("input[name=token]").value;
      const answer = await fetch("/my/token", { method: "POST", body: new URLSearchParams({ token }) });
      if (!answer.ok) throw new Error("signed out");
      const given = await answer.json();
      this.token = given.access_token;
      this.until = Date.now() + (given.expires_in - 60) * 1000;
    }
    return this.token;
  },
  async call(method, path, json, headers = {}) {
    const answer = await fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${await this.bearer()}`,
        ...(json ? { "content-type": "application/json" } : {}),
        ...headers,
      },
      body: json ? JSON.stringify(json) : undefined,
    });
    if (answer.status === 401) this.until = 0;
    return answer;
  },
};

// Live updates: /live knows us by our cookie. `onEvent` gets every event. `ready` is called when a
// connection stands, from which on nothing is missed, and every 5 seconds until then.
function live(onEvent, ready) {
  let socket = null;
  let heard = 0;
  let wait = 1000;
  let is_ready = false;
  const connect = () => {
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
    heard = Date.now();
    socket.addEventListener("message", ({ data }) => {
      heard = Date.now();
      const event = JSON.parse(data);
      if (event.type === "ready") {
        wait = 1000;
        is_ready = true;
        ready();
      } else if (event.type === "ping") socket.send('{"type":"pong"}');
      else onEvent(event);
    });
    socket.addEventListener("close", ({ code }) => {
      is_ready = false;
      if (code === 4401 || code === 4403) return;
      setTimeout(connect, wait * (0.5 + Math.random()));
      wait = Math.min(wait * 2, 30000);
    });
  };
  connect();
  setInterval(() => {
    if (is_ready && Date.now() - heard > 60000) socket.close();
    if (!is_ready && document.visibilityState === "visible") ready();
  }, 5000);
  return (message) => is_ready && socket.send(JSON.stringify(message));
}

function count(name, more) {
  const badge = document.querySelector(`[data-badge="${name}"]`);
  if (!badge) return;
  const number = badge.firstElementChild;
  const now = (Number.parseInt(number.textContent, 10) || 0) + more;
  number.textContent = now > 99 ? "99+" : now;
  badge.hidden = now === 0;
}

// A chat: messages arrive and are sent while it is open.
const log = document.querySelector("[data-messages]");
const composer = document.querySelector("[data-composer]");
if (log && composer && !new URLSearchParams(location.search).has("before")) {
  const chat = `/chats/${encodeURIComponent(body.chat)}`;
  const template = document.querySelector("[data-template]").content.firstElementChild;
  const text = composer.querySelector("textarea");
  const name = document.querySelector(".whom h1").textContent;
  const state = document.querySelector("[data-state]");
  let last = Number(log.lastElementChild?.dataset.pos ?? 0);

  const nearEnd = () => innerHeight + scrollY > document.documentElement.scrollHeight - 160;
  const toEnd = () => scrollTo(0, document.documentElement.scrollHeight);

  const element = (message) => {
    const line = template.cloneNode(true);
    const mine = message.sender_id === body.me;
    line.className = message.kind === "system" ? "system" : mine ? "mine" : "theirs";
    line.querySelector("bdi").textContent = `${mine ? "You" : name}: `;
    line.querySelector("p").append(message.content ?? "");
    line.querySelector("time").dateTime = message.sent_at ?? "";
    tell(line.querySelector("time"));
    return line;
  };

  const read = () => {
    if (document.visibilityState === "visible" && last) {
      api.call("POST", `${chat}/read`, { pos: last }).catch(() => {});
    }
  };

  // Fetch the messages after the last one shown. A call during a fetch makes it fetch again.
  let looking = null;
  let again = false;
  const fetchNew = () => {
    if (looking) {
      again = true;
      return looking;
    }
    looking = (async () => {
      try {
        do {
          again = false;
          let more = true;
          while (more) {
            const answer = await api.call("GET", `${chat}/messages?direction=newer&limit=100&pos=${last}`);
            if (!answer.ok) return;
            const page = await answer.json();
            const stay = nearEnd();
            for (const message of page.items) {
              if (message.pos <= last) continue;
              last = message.pos;
              const line = element(message);
              line.dataset.pos = message.pos;
              const first = log.querySelector(".waiting, .failed");
              if (first && first.dataset.content === message.content && message.sender_id === body.me) first.remove();
              const pending = log.querySelector(".waiting, .failed");
              if (pending) pending.before(line);
              else log.append(line);
            }
            document.querySelector("[data-empty]")?.remove();
            if (page.items.length && stay) toEnd();
            more = page.next !== null;
            if (page.items.length) read();
          }
        } while (again);
        state.textContent = "";
      } catch {
        state.textContent = "Trying to reach them…";
      }
    })().finally(() => (looking = null));
    return looking;
  };

  // Show the server's view of this chat. If it is closed, the reason replaces the form.
  const isClosed = async () => {
    const fresh = await page(location.pathname).catch(() => null);
    const closed = fresh?.querySelector("[data-closed]");
    if (closed) composer.replaceWith(document.adoptNode(closed));
    return Boolean(closed);
  };

  const say = async (line, content, key) => {
    line.classList.remove("failed");
    line.classList.add("waiting");
    line.querySelector("button")?.remove();
    let problem = "Not sent.";
    let is_over = false;
    try {
      const answer = await api.call("POST", `${chat}/messages`, { content }, { "idempotency-key": key });
      if (answer.ok) return fetchNew();
      if (answer.status === 403) {
        const { code } = await answer.json();
        problem = code === "messages_not_taken" ? "They are not accepting messages at the moment." : problem;
        if (await isClosed()) is_over = true;
      }
      const wait = answer.headers.get("retry-after");
      if (answer.status === 429) problem = `That was a lot at once. Wait ${wait} seconds.`;
    } catch {
      problem = "Not sent: there is no connection.";
    }
    line.classList.replace("waiting", "failed");
    if (is_over) {
      line.append(document.createElement("small"));
      line.lastElementChild.textContent = "Not sent.";
      return;
    }
    const retry = document.createElement("button");
    retry.type = "button";
    retry.textContent = `${problem} Try again`;
    retry.addEventListener("click", () => say(line, content, key));
    line.append(retry);
  };

  const uuid = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    const content = text.value.trim();
    if (!content) return;
    const line = element({ sender_id: body.me, content, sent_at: new Date().toISOString() });
    line.dataset.content = content;
    log.append(line);
    document.querySelector("[data-empty]")?.remove();
    text.value = "";
    text.focus();
    toEnd();
    say(line, content, uuid());
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && matchMedia("(hover: hover)").matches) {
      event.preventDefault();
      composer.requestSubmit();
    }
  });

  // The other person: whether they are typing, and how far they have read.
  const typing = document.querySelector("[data-typing]");
  let stopped = 0;
  let types_until = 0;
  let seen = 0;
  const tellSeen = () => {
    if (Date.now() < types_until) return;
    const newest = [...log.children].filter((line) => line.dataset.pos).at(-1);
    const all = newest?.classList.contains("mine") && seen >= Number(newest.dataset.pos);
    typing.textContent = all ? "Seen" : "";
    typing.classList.toggle("seen", Boolean(all));
  };
  const tell_live = live((event) => {
    if (event.chat_id !== body.chat) {
      if (event.type === "message" && event.message.sender_id !== body.me) count("chats", 1);
    } else if (event.type === "message") {
      if (event.message.sender_id !== body.me) types_until = 0;
      fetchNew().then(tellSeen);
    } else if (event.user_id !== body.me && event.type === "read") {
      seen = Math.max(seen, event.pos);
      tellSeen();
    } else if (event.user_id !== body.me && event.type === "typing") {
      typing.textContent = `\u2068${name}\u2069 is typing…`;
      typing.classList.remove("seen");
      types_until = Date.now() + 4000;
      clearTimeout(stopped);
      stopped = setTimeout(tellSeen, 4010);
    }
  }, () => fetchNew().then(tellSeen));
  let typingSentAt = 0;
  text.addEventListener("input", () => {
    if (text.value && Date.now() - typingSentAt > 2500) {
      typingSentAt = Date.now();
      tell_live({ type: "typing", chat_id: body.chat });
    }
  });

  toEnd();
  // Not where it would open a keyboard over the messages.
  if (matchMedia("(hover: hover)").matches) text.focus({ preventScroll: true });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") fetchNew().then(read);
  });
} else if ("live" in body) {
  // The list of chats: shown again when a message arrives.
  let timer = 0;
  live((event) => {
    if (event.type !== "message") return;
    clearTimeout(timer);
    timer = setTimeout(() => show(location.pathname).then(() => {
      document.querySelectorAll("time[datetime]").forEach(tell);
    }), 300);
  }, () => {});
}
