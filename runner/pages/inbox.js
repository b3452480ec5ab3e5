// The sandbox's inbox. What arrived becomes text nodes and nothing else: no markup is ever made of it.
"use strict";

(() => {
  const inbox = document.getElementById("inbox");
  const states = JSON.parse(inbox.dataset.states);
  const byId = (id) => document.getElementById(id);
  const people = byId("people");
  const talk = byId("talk");
  const search = byId("search");
  const open = { to: null, newest: 0, oldest: 0 };
  const list = { beyond: null, person: null, question: 0, overtaking: null };
  const MOST_ROWS = 2000; // of one list; whoever wants more has a search

  function make(name, className, ...inside) {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...inside.filter((each) => each !== null));
    return made;
  }

  function badge(status) {
    const [word, tone] = states[status] || [status, "calm"];
    const made = make("span", `badge ${tone}`, word);
    made.dataset.status = status;
    return made;
  }

  // An event may overtake the answer to a question that was asked before it: what moved last is remembered.
  const moves = new Map();
  const MOST_MOVES = 20000;
  const statusOf = (number, status) => moves.get(number) ?? status;

  // In the time zone of whoever looks.
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  const time = (at) => clock.format(new Date(at));
  const bdi = (className, text) => make("bdi", className, text);

  class Gone extends Error {}

  async function ask(path, values) {
    const query = new URLSearchParams(Object.entries(values || {}).filter(([, value]) => value !== null));
    const reply = await answered(`_sandbox/inbox/${path}?${query}`);
    if (!reply.ok) throw new Gone(String(reply.status));
    return reply.json();
  }

  async function answered(address, how) {
    try {
      return await fetch(address, how);
    } catch {
      throw new Gone();
    }
  }

  // Whatever was asked of a sandbox that has ended: the page says so, and asks again once there is one.
  addEventListener("unhandledrejection", (event) => {
    if (!(event.reason instanceof Gone)) return;
    event.preventDefault();
    live("not connected", "bad");
  });

  // People

  const rows = new Map();

  // A row is made once and changed in place: whoever stands on it with the keyboard stays there.
  function row(head) {
    let item = rows.get(head.to);
    if (!item) {
      const button = make("button", "", bdi("to mono", head.to), make("span", "at"), bdi("text", ""), make("span", "badge"));
      button.type = "button";
      button.addEventListener("click", () => show(head.to));
      item = make("li", "", button);
      item.dataset.to = head.to;
      rows.set(head.to, item);
    }
    if (Number(item.dataset.n) > head.n) return item; // it is known better already
    item.dataset.n = head.n;
    item.querySelector(".at").textContent = time(head.at);
    item.querySelector(".text").textContent = head.text || "…";
    item.querySelector(".badge").replaceWith(badge(statusOf(head.n, head.status)));
    if (head.to === open.to) item.firstChild.setAttribute("aria-current", "true");
    return item;
  }

  // The latest first, above those that are there.
  function raised(heads) {
    const focused = document.activeElement;
    list.overtaking?.unshift(...heads);
    for (const head of [...heads].reverse()) people.prepend(row(head));
    if (focused !== document.activeElement && people.contains(focused)) focused.focus({ preventScroll: true });
    while (rows.size > MOST_ROWS) {
      rows.delete(people.lastElementChild.dataset.to);
      people.lastElementChild.remove();
      byId("more").hidden = true;
    }
    empty();
  }

  async function listed(more) {
    const question = ++list.question;
    list.overtaking = [];
    const found = await ask("conversations", { q: search.value, beyond: more ? list.beyond : null, person: more ? list.person : null });
    if (question !== list.question) return; // a later one was asked meanwhile
    const { overtaking } = list;
    list.overtaking = null;
    if (!more) {
      rows.clear();
      people.replaceChildren();
    }
    people.append(...found.conversations.map(row));
    const last = found.conversations.at(-1);
    if (last) [list.beyond, list.person] = [last.n, last.to];
    byId("more").hidden = !found.hasMore || rows.size >= MOST_ROWS;
    if (overtaking.length) raised(overtaking);
    else told(found);
    empty();
  }

  // More arrived than was told: the list begins anew with the latest, and More goes on from there.
  async function overtaken() {
    const question = ++list.question;
    list.overtaking = null;
    const found = await ask("conversations");
    if (question !== list.question) return;
    raised(found.conversations);
    if (!found.hasMore) return;
    const last = found.conversations.at(-1);
    const kept = new Set(found.conversations.map((head) => head.to));
    for (const [to, item] of rows) {
      if (Number(item.dataset.n) > last.n || kept.has(to)) continue;
      rows.delete(to);
      item.remove();
    }
    [list.beyond, list.person] = [last.n, last.to];
    byId("more").hidden = false;
  }

  function empty() {
    const hint = byId("none");
    hint.hidden = rows.size > 0;
    hint.textContent = search.value.trim() ? "Nobody's number, text or reference has this." : "Nothing has arrived yet.";
  }

  function told(state) {
    const shown = Object.entries(state.counts).map(([status, count]) => {
      const made = badge(status);
      made.prepend(`${count.toLocaleString("en")} `);
      return made;
    });
    byId("counts").replaceChildren(...shown);
  }

  // One conversation

  function bubble(message) {
    const words = make("div", "bubble");
    if (message.subject) words.append(bdi("subject", message.subject));
    for (const address of message.media) words.append(bdi("medium", `▣ ${address}`));
    words.append(bdi("", message.text || (message.media.length ? "" : "…")));
    const whole = make("button", "link", "request");
    whole.type = "button";
    whole.setAttribute("aria-expanded", "false");
    const under = make("div", "under", make("span", "", time(message.at)), badge(statusOf(message.n, message.status)), sender(message), whole);
    const item = make("li", message.status === "refused" ? "refused" : "", words, under);
    item.dataset.n = message.n;
    whole.addEventListener("click", () => unfold(item, whole, message.n));
    return item;
  }

  // What whoever sent it was told, where that is another thing than "accepted".
  function sender(message) {
    if (message.decision === "accepted") return null;
    const reply = message.httpStatus === null ? "no reply" : `HTTP ${message.httpStatus}${message.replied ? "" : ", broken off"}`;
    return make("span", "", `sender got ${reply} (${message.decision})`);
  }

  // What turns a line around or can't be seen stands in JSON by its number: it is the same text.
  const UNSEEN = /[\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
  const number = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

  async function unfold(item, button, place) {
    const old = item.querySelector(".whole");
    button.setAttribute("aria-expanded", String(!old));
    if (old) return old.remove();
    const message = await ask(`messages/${place}`);
    const facts = make("dl", "facts small");
    const fact = (name, ...values) => facts.append(make("dt", "", name), make("dd", "data", ...values));
    fact("Channel", message.channelId);
    if (message.id) fact("Bird's id", message.id);
    if (message.reference) fact("Reference", message.reference);
    if (message.failure) fact("Failure", `${message.failure.code} ${message.failure.description}`);
    const course = make("ol", "course", ...message.course.map((step) => make("li", "", make("span", "", time(step.at)), badge(step.status))));
    const code = make("pre", "code", message.request === null ? "What arrived is no JSON." : message.written.replace(UNSEEN, number));
    code.tabIndex = 0;
    code.setAttribute("role", "region");
    code.setAttribute("aria-label", "Request as it arrived");
    if (!item.querySelector(".whole")) item.append(make("div", "whole", course, facts, code));
    return null;
  }

  function unmarked() {
    for (const button of people.querySelectorAll("[aria-current]")) button.removeAttribute("aria-current");
  }

  async function show(to) {
    open.to = to;
    inbox.classList.add("with-talk");
    history.replaceState(null, "", `#${encodeURIComponent(to)}`);
    unmarked();
    const item = rows.get(to);
    if (item) item.firstChild.setAttribute("aria-current", "true");
    byId("who").replaceChildren(bdi("mono", to));
    const found = await ask("messages", { to });
    if (to !== open.to) return;
    const shown = found.messages.reverse();
    talk.replaceChildren(...shown.map(bubble));
    open.newest = shown.length ? shown.at(-1).n : 0;
    open.oldest = shown.length ? shown[0].n : 0;
    byId("earlier").hidden = !found.hasMore;
    byId("talk-scroll").scrollTop = byId("talk-scroll").scrollHeight;
    newer(); // what arrived while this was asked
  }

  async function earlier() {
    const scroll = byId("talk-scroll");
    const { to } = open;
    const found = await ask("messages", { to, before: open.oldest });
    if (to !== open.to) return;
    const below = scroll.scrollHeight - scroll.scrollTop;
    const shown = found.messages.reverse();
    talk.prepend(...shown.map(bubble));
    if (shown.length) open.oldest = shown[0].n;
    byId("earlier").hidden = !found.hasMore;
    scroll.scrollTop = scroll.scrollHeight - below;
  }

  let isNewerWanted = false;
  let isGettingNewer = false;

  async function newer() {
    isNewerWanted = true;
    if (isGettingNewer) return;
    isGettingNewer = true;
    try {
      while (isNewerWanted && open.to !== null) {
        isNewerWanted = false;
        await appended(open.to);
      }
    } finally {
      isGettingNewer = false;
    }
  }

  async function appended(to) {
    const scroll = byId("talk-scroll");
    const found = await ask("messages", { to, after: open.newest });
    if (to !== open.to) return;
    if (found.hasMore) return void (await show(to));
    const isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
    const shown = found.messages.reverse().filter((each) => each.n > open.newest);
    talk.append(...shown.map(bubble));
    if (shown.length) open.newest = shown.at(-1).n;
    if (isAtEnd) scroll.scrollTop = scroll.scrollHeight;
  }

  // Faults

  let kinds = [];

  // What is on stands first, and stays where it is when it is switched.
  function inOrder(found) {
    const isOn = (kind) => found.active.some((text) => text.split(":")[0] === kind.kind);
    return [...found.kinds.filter(isOn), ...found.kinds.filter((kind) => !isOn(kind))];
  }

  function asked(item) {
    const kind = item.dataset.kind;
    const [share, delay] = ["share", "delay"].map((name) => item.querySelector(`[name=${name}]`));
    const written = item.dataset.written;
    if (written && !item.dataset.isTouched) return written; // as it was given, with what this page has no field for
    return [kind, delay && (delay.value.trim() || "2s"), share.value.trim() && `${share.value.trim()}%`].filter(Boolean).join(":");
  }

  function faultItem(kind, written) {
    const box = make("input");
    box.type = "checkbox";
    box.checked = Boolean(written);
    const item = make("li", "", make("label", "", box, make("span", "", make("code", "", kind.kind), make("span", "does", kind.does))));
    item.dataset.kind = kind.kind;
    if (written) item.dataset.written = written;
    const how = make("div", "how", field(item, "share", "Share in %", /(?:^|:)([0-9.]+)%/.exec(written || "")?.[1] ?? (written ? "100" : "10")));
    if (kind.takesTime) how.append(field(item, "delay", "For", /:([0-9.]+(?:ms|s|m))/.exec(written || "")?.[1] ?? "2s"));
    if (written && /first|after:/.test(written.replace(kind.kind, ""))) how.append(make("span", "small soft", written));
    how.hidden = !box.checked;
    item.append(how);
    box.addEventListener("change", () => change());
    return item;
  }

  function field(item, name, label, value) {
    const made = make("input", "field");
    made.name = name;
    made.value = value;
    made.inputMode = name === "share" ? "decimal" : "text";
    made.addEventListener("change", () => {
      item.dataset.isTouched = "yes";
      change();
    });
    return make("label", "", label, made);
  }

  function drawn(active) {
    const kindOf = (text) => text.split(":")[0];
    const where = document.activeElement?.closest?.(".faults li")?.dataset.kind;
    const what = document.activeElement?.name || "";
    // The same kind may have been given twice on the command line: each has its own switch.
    const shown = kinds.flatMap((kind) => {
      const given = active.filter((text) => kindOf(text) === kind.kind);
      return (given.length ? given : [""]).map((text) => faultItem(kind, text));
    });
    byId("faults").replaceChildren(...shown);
    const button = byId("show-faults");
    button.textContent = active.length ? `Faults: ${active.length} on` : "Faults";
    if (where) [...byId("faults").children].find((item) => item.dataset.kind === where)?.querySelector(what ? `[name=${what}]` : "input")?.focus();
  }

  async function change() {
    const active = [...byId("faults").children].filter((item) => item.querySelector("[type=checkbox]").checked).map(asked);
    const reply = await answered("_sandbox/inbox/faults", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Flypast-Token": inbox.dataset.token },
      body: JSON.stringify({ active }),
    });
    if (reply.status === 403) return location.reload(); // another sandbox than the one that this page is of
    const said = await reply.json();
    byId("wrong").hidden = reply.ok;
    if (reply.ok) drawn(said.active);
    else byId("wrong").textContent = said.message;
    return null;
  }

  function toggle(isShown) {
    byId("switches").hidden = !isShown;
    inbox.classList.toggle("with-faults", isShown);
    byId("show-faults").setAttribute("aria-expanded", String(isShown));
  }

  // What happens while somebody looks

  function moved(changes) {
    if (!changes.length) return;
    const latest = new Map(changes);
    for (const [number, status] of latest) {
      moves.set(number, status);
      if (moves.size > MOST_MOVES) moves.delete(moves.keys().next().value);
    }
    for (const item of document.querySelectorAll("[data-n]")) { // once, however many moved
      const status = latest.get(Number(item.dataset.n));
      if (status) item.querySelector(".badge")?.replaceWith(badge(status));
    }
  }

  function happened(change) {
    if (change.faults) return drawn(change.faults);
    moved(change.moved);
    told(change);
    if (!search.value.trim()) {
      if (change.isMany) soon(overtaken);
      else raised(change.heads);
    }
    if (open.to !== null && (change.isMany || change.heads.some((head) => head.to === open.to))) newer();
    return null;
  }

  // At most twice a second, however much arrives.
  let waiting = 0;

  function soon(act) {
    if (waiting) return;
    waiting = setTimeout(() => {
      waiting = 0;
      if (!search.value.trim()) act();
    }, 500);
  }

  function live(word, tone) {
    const shown = byId("live");
    shown.textContent = word;
    shown.className = `badge ${tone}`;
  }

  function listen() {
    const events = new EventSource("_sandbox/inbox/events");
    events.addEventListener("open", async () => {
      live("live", "good");
      moves.clear();
      // Whatever was missed while nobody listened.
      await Promise.all([listed(false), ask("faults").then((found) => { if (!kinds.length) kinds = inOrder(found); drawn(found.active); })]);
      if (open.to !== null) await show(open.to);
    });
    events.addEventListener("message", (event) => happened(JSON.parse(event.data)));
    events.addEventListener("error", () => {
      live("not connected", "bad");
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
    });
  }

  let typing = 0;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => listed(false), 150);
  });
  byId("more").addEventListener("click", () => listed(true));
  byId("earlier").addEventListener("click", earlier);
  byId("back").addEventListener("click", () => {
    const item = rows.get(open.to);
    open.to = null;
    unmarked();
    inbox.classList.remove("with-talk");
    history.replaceState(null, "", location.pathname);
    (item ? item.firstChild : search).focus();
  });
  byId("show-faults").addEventListener("click", () => toggle(byId("switches").hidden));
  new IntersectionObserver((seen) => { if (seen.some((each) => each.isIntersecting) && !byId("more").hidden) listed(true); }).observe(byId("more"));

  try {
    open.to = decodeURIComponent(location.hash.slice(1)) || null;
  } catch {
    open.to = null; // somebody wrote it by hand
  }
  listen();
})();
