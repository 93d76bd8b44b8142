// The pages work without this; with it, lists fill while one types and grow in place.

const results = () => document.querySelector("[data-results]");

/** The page at this address, as a document; null when a newer question was asked meanwhile. */
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

// Search as one types.
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

// Filters that are chosen count at once. On a narrow screen they hide what they find until asked to show it.
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

// "Show more" puts the next page behind this one.
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

// Times as they are where one is.
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

// What the page's visitor may ask the API, with a token that is got anew before it is over.
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

// What is new, as it happens: /live knows us by our cookie. `told` hears every event, and `ready` of a
// connection from which on nothing is left out; until there is one, `ready` is asked every 5 seconds.
function live(told, ready) {
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
      else told(event);
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

// A chat: messages come and go while one looks at it.
const log = document.querySelector("[data-messages]");
const composer = document.querySelector("[data-composer]");
if (log && composer && !new URLSearchParams(location.search).has("before")) {
  const chat = `/chats/${encodeURIComponent(body.chat)}`;
  const template = document.querySelector("[data-template]").content.firstElementChild;
  const text = composer.querySelector("textarea");
  const whom = document.querySelector(".whom h1").textContent;
  const state = document.querySelector("[data-state]");
  let last = Number(log.lastElementChild?.dataset.pos ?? 0);

  const nearEnd = () => innerHeight + scrollY > document.documentElement.scrollHeight - 160;
  const toEnd = () => scrollTo(0, document.documentElement.scrollHeight);

  const element = (message) => {
    const line = template.cloneNode(true);
    const mine = message.sender_id === body.me;
    line.className = message.kind === "system" ? "system" : mine ? "mine" : "theirs";
    line.querySelector("bdi").textContent = `${mine ? "You" : whom}: `;
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

  // What was said since the last message that is shown; asked again by whoever is told to look.
  let looking = null;
  let again = false;
  const look = () => {
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
              if (first && first.dataset.said === message.content && message.sender_id === body.me) first.remove();
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

  // What the server says of this chat now; when it is closed, that stands where one could write.
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
      if (answer.ok) return look();
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
    line.dataset.said = content;
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

  // The other one: whether they type, and how far they have read.
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
      look().then(tellSeen);
    } else if (event.user_id !== body.me && event.type === "read") {
      seen = Math.max(seen, event.pos);
      tellSeen();
    } else if (event.user_id !== body.me && event.type === "typing") {
      typing.textContent = `\u2068${whom}\u2069 is typing…`;
      typing.classList.remove("seen");
      types_until = Date.now() + 4000;
      clearTimeout(stopped);
      stopped = setTimeout(tellSeen, 4010);
    }
  }, () => look().then(tellSeen));
  let told_typing = 0;
  text.addEventListener("input", () => {
    if (text.value && Date.now() - told_typing > 2500) {
      told_typing = Date.now();
      tell_live({ type: "typing", chat_id: body.chat });
    }
  });

  toEnd();
  // Not where it would open a keyboard over what was said.
  if (matchMedia("(hover: hover)").matches) text.focus({ preventScroll: true });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") look().then(read);
  });
} else if ("live" in body) {
  // The list of chats: shown anew when something is said.
  let timer = 0;
  live((event) => {
    if (event.type !== "message") return;
    clearTimeout(timer);
    timer = setTimeout(() => show(location.pathname).then(() => {
      document.querySelectorAll("time[datetime]").forEach(tell);
    }), 300);
  }, () => {});
}
