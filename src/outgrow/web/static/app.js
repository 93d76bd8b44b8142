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

// Filters that are chosen count at once.
const filters = document.querySelector("[data-instant]");
if (filters) {
  filters.addEventListener("change", () => show(address(filters)));
  filters.addEventListener("submit", (event) => {
    event.preventDefault();
    show(address(filters));
  });
}
const panel = document.querySelector("[data-filters]");
if (panel && matchMedia("(min-width: 60rem)").matches) panel.open = true;

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
