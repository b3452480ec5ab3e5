// Keeps the page as its files are: asks for its parts again after each change, and shows those that are otherwise.
// The page works without this too; then a link or a search loads all of it.
"use strict";

const shown = new Map();
let turn = 0;

function replace(name, html) {
  const part = document.getElementById(name);
  if (!part || shown.get(name) === html) return;
  shown.set(name, html);
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const list = part.querySelector(".people");
  const scrolled = list ? list.scrollTop : 0;
  const kept = focused && { id: focused.id, address: focused.getAttribute("href"), value: focused.value, caret: focused.selectionStart };
  part.innerHTML = html;
  const anew = part.querySelector(".people");
  if (anew) anew.scrollTop = scrolled;
  if (kept) refocus(part, kept);
}

function refocus(part, kept) {
  const same = kept.id
    ? document.getElementById(kept.id)
    : [...part.querySelectorAll("a")].find((link) => link.getAttribute("href") === kept.address);
  const target = same || part.querySelector("[aria-current] , [data-view]");
  if (!target) return;
  target.focus({ preventScroll: true });
  if (kept.id === "search") {
    target.value = kept.value; // what was typed since it was asked for
    target.setSelectionRange(kept.caret, kept.caret);
  }
}

async function show(address, keep) {
  const mine = ++turn;
  // At once: what a change of a file asks for meanwhile is what is wanted by then.
  if (keep === "push") history.pushState(null, "", address || "?");
  if (keep === "replace") history.replaceState(null, "", address || "?");
  let parts;
  try {
    const reply = await fetch("parts" + address, { cache: "no-store" });
    if (!reply.ok) throw new Error(String(reply.status));
    parts = await reply.json();
  } catch {
    if (mine === turn) gone();
    return false;
  }
  if (mine !== turn) return false;
  document.body.classList.remove("is-gone");
  document.title = parts.title;
  for (const [name, html] of Object.entries(parts)) if (name !== "title") replace(name, html);
  return true;
}

function gone() {
  document.body.classList.add("is-gone");
  const status = document.getElementById("status");
  shown.delete("top");
  if (!status) return;
  const badge = document.createElement("span");
  badge.className = "badge";
  badge.textContent = "not live";
  const words = document.createElement("span");
  words.className = "soft small";
  words.textContent = "flypast preview has ended";
  status.replaceChildren(badge, words);
}

function sought() {
  const form = document.querySelector("form.search");
  const fields = [...new FormData(form)].filter(([, value]) => value !== "");
  return "?" + new URLSearchParams(fields).toString();
}

let typing = 0;
document.addEventListener("input", (event) => {
  if (event.target.id !== "search") return;
  clearTimeout(typing);
  typing = setTimeout(() => show(sought(), "replace"), 120);
});
document.addEventListener("change", (event) => {
  if (event.target.id === "only") show(sought(), "replace");
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  show(sought(), "replace");
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-view]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  show(link.getAttribute("href"), "push");
});
addEventListener("popstate", () => show(location.search));

// A key that is held down asks faster than answers come: what was asked for meanwhile is gone to at once.
let wanted = 0;
let isStepping = false;

async function step(by) {
  wanted += by;
  if (isStepping) return;
  isStepping = true;
  try {
    while (wanted && (await stepped()));
  } finally {
    wanted = 0;
    isStepping = false;
  }
}

async function stepped() {
  const links = [...document.querySelectorAll(".people a")];
  const forward = wanted > 0;
  const found = links.findIndex((link) => link.getAttribute("aria-current"));
  const at = found < 0 && !forward ? links.length : found; // who is shown may stand on another page
  const next = Math.max(-1, Math.min(links.length, at + wanted));
  if (!links[next]) { // beyond this page: the rest of the way goes on from the other's first or last
    const page = document.querySelector(forward ? ".pager [rel=next]" : ".pager [rel=prev]");
    if (!page) {
      const end = forward ? links.length - 1 : 0;
      wanted = 0;
      return end !== at && links[end] ? arrived(links[end]) : false;
    }
    wanted -= forward ? links.length - at : -1 - at;
    if (!(await show(page.getAttribute("href"), "replace"))) return false;
    const others = [...document.querySelectorAll(".people a")];
    return arrived(forward ? others[0] : others[others.length - 1]);
  }
  wanted -= next - at;
  return arrived(links[next]);
}

async function arrived(link) {
  if (!link) return false;
  link.focus({ preventScroll: true });
  if (!(await show(link.getAttribute("href"), "replace"))) return false;
  const now = document.querySelector(".people a[aria-current]");
  if (now) {
    now.focus({ preventScroll: true });
    now.scrollIntoView({ block: "nearest" });
  }
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey) return;
  const search = document.getElementById("search");
  const at = event.target;
  const isField = at.matches("input, select, textarea");
  if (event.key === "/" && !isField && search) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && at === search) {
    search.blur();
  } else if (event.key === "ArrowDown" && at === search) {
    event.preventDefault();
    const link = document.querySelector(".people a[aria-current]") || document.querySelector(".people a");
    if (link) link.focus();
  } else if (!isField && (event.key === "j" || event.key === "k")) {
    step(event.key === "j" ? 1 : -1);
  } else if (at.closest(".people") && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  }
});

const events = new EventSource("events");
events.onmessage = () => show(location.search);
events.onerror = gone;
