/*
 * Switchboard's chat widget: one web component, no dependency, no inline code or styles.
 *   <script async src="https://HOST/widget.js" data-bot="KEY"></script>
 * What else a page may say: see the README.
 */
(() => {
"use strict";
const script = document.currentScript;
if (!script || window.Switchboard) return;
const ORIGIN = new URL(script.src).origin;
const LIMIT = 4000;

function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (name in node) node[name] = value;
    else if (value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== ""));
  return node;
}

const thumb = "M7 11v9H4v-9zm0 0 4-7c2 0 3 1 3 3v3h5c1 0 2 1 2 2l-2 8H7";
const ICONS = {
  chat: "M12 4c5 0 9 3 9 7.5S17 19 12 19q-2 0-4-.6L4 20l1-4C1 11 5 4 12 4z",
  close: "M6 6l12 12M18 6 6 18",
  down: "m6 9 6 6 6-6",
  send: "M12 19V5m-7 7 7-7 7 7",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-7.5 8c1-3.4 4-5 7.5-5s6.5 1.6 7.5 5",
  restart: "M4 4v5h5m-4.5 0A8 8 0 1 1 4 13",
  good: thumb,
  bad: thumb,
  document: "M6 3h8l4 4v14H6zm8 0v4h4m-8 5h4m-4 4h4",
  faq: "M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.4-1 .9-1 1.7m0 3.5h.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  action: "M13 3 5 14h6l-1 7 8-11h-6z",
  out: "M8 16l8-8m-7 0h7v7",
};

function icon(name) {
  const make = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const svg = make("svg");
  const path = make("path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon " + name);
  path.setAttribute("d", ICONS[name] || ICONS.document);
  svg.append(path);
  return svg;
}

const button = (className, onclick, ...children) => h("button", { type: "button", className, onclick }, ...children);
const iconButton = (className, symbol, label, onclick) =>
  h("button", { type: "button", className, onclick, title: label, "aria-label": label }, icon(symbol));

/** An http(s) address, or "": nothing else is ever linked or loaded. */
function safeUrl(value) {
  try {
    const url = new URL(value, ORIGIN + "/");
    return value && /^https?:$/.test(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

const link = (href, ...children) => h("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
const INLINE = /\*\*(.+?)\*\*|\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]'*])/g;

function inline(text) {
  const out = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    const [all, bold, label, address, bare] = match;
    out.push(text.slice(at, match.index));
    const href = safeUrl(address || bare);
    out.push(bold ? h("strong", {}, ...inline(bold)) : href ? link(href, label || bare) : all);
    at = match.index + all.length;
  }
  out.push(text.slice(at));
  return out.filter(Boolean);
}

/** Paragraphs, lists, bold and links; all else stays text. */
function rich(text) {
  const out = document.createDocumentFragment();
  let block = null;
  for (const line of String(text ?? "").split(/\r?\n/)) {
    const item = line.match(/^\s*(?:[-*•]|(\d+)[.)])\s+(.*)$/);
    const tag = item ? (item[1] ? "ol" : "ul") : "p";
    if (!line.trim()) {
      block = null;
      continue;
    }
    if (block?.localName !== tag) {
      block = h(tag, tag === "ol" ? { start: Number(item[1]) } : {});
      out.append(block);
    } else if (!item) block.append(h("br"));
    block.append(...(item ? [h("li", {}, ...inline(item[2]))] : inline(line)));
  }
  return out;
}

function readableDate(value) {
  const date = new Date(value);
  if (isNaN(date)) return String(value);
  const timeZone = /^\d{4}-\d\d-\d\d$/.test(value) ? "UTC" : undefined;
  return date.toLocaleDateString(undefined, { dateStyle: "medium", timeZone });
}

const parse = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const ratio = (luminance(a) + 0.05) / (luminance(b) + 0.05);
  return Math.max(ratio, 1 / ratio);
}

/** The colour itself, or the nearest shade of it that can be read on the surface. */
function legible(rgb, surface) {
  const end = luminance(surface) > 0.4 ? 0 : 255;
  let shade = rgb;
  for (let part = 0.1; contrast(shade, surface) < 4.6 && part <= 1; part += 0.1)
    shade = rgb.map((c) => Math.round(c + (end - c) * part));
  return shade;
}

// ---- network

class Failure extends Error {
  constructor(status = 0, message = "") {
    super(message);
    this.status = status;
    this.gone = [401, 403, 404, 410].includes(status);
    this.passing = !status || status > 501;
  }

  get explanation() {
    return this.message || (this.status ? "Something went wrong." : "No connection.");
  }
}

async function request(path, { method = "GET", token, body, accept = "application/json", after, signal } = {}) {
  const headers = { Accept: accept };
  if (token) headers.Authorization = "Bearer " + token;
  if (body) headers["Content-Type"] = "application/json";
  if (after != null) headers["Last-Event-ID"] = after;
  let response;
  try {
    response = await fetch(ORIGIN + "/api/v1/" + path, {
      method, headers, signal, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store",
    });
  } catch {
    throw new Failure();
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Failure(response.status, problem.message);
}

/** The server-sent events of a response. A minute of silence counts as a broken line. */
async function* readEvents(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  try {
    for (;;) {
      const watchdog = setTimeout(() => reader.cancel().catch(() => {}), 60000);
      const { value, done } = await reader.read().finally(() => clearTimeout(watchdog));
      if (done) return;
      const blocks = (buffer + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
      buffer = blocks.pop();
      for (const block of blocks) {
        const event = { type: "message", id: "", data: "" };
        for (const line of block.split(/\r?\n/)) {
          const [, name, rest] = line.match(/^(\w+): ?(.*)$/) || [];
          if (name === "data") event.data += (event.data && "\n") + rest;
          else if (name === "id") event.id = rest;
          else if (name === "event") event.type = rest;
        }
        if (event.data) yield { ...event, data: JSON.parse(event.data) };
      }
    }
  } catch {
    throw new Failure();
  } finally {
    reader.cancel().catch(() => {});
  }
}

function backoff(attempt) {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.min(15000, 700 * 2 ** attempt) * (0.8 + Math.random() * 0.4));
    addEventListener("online", resolve, { once: true });
  });
}

// ---- conversation

/** Tells customers apart; only the server verifies the token. */
function subject(token) {
  try {
    const bytes = atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"));
    const { iss = "", sub } = JSON.parse(bytes);
    return sub == null ? "" : iss + "|" + sub;
  } catch {
    return "";
  }
}

const newId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");

/**
 * One conversation: made at the first message, kept in this browser.
 * What is kept: {id, token, who, name, own (signed in here), left (signed out), seq (last event heard), status, pending}.
 */
class Conversation {
  constructor(bot, identity, hear) {
    Object.assign(this, { bot, identity, hear });
    this.key = "switchboard:" + bot;
    this.who = subject(identity || "");
    this.kept = this.read();
    if (this.kept.who && (this.kept.own ? this.who : this.kept.who !== this.who)) this.forget();
    this.aborter = new AbortController();
    this.seen = new Set();
    this.settled = 0;
    this.queue = Promise.resolve();
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) || {};
    } catch {
      return {};
    }
  }

  keep(changes) {
    Object.assign(this.kept, changes);
    try {
      const stored = this.read();
      // Another tab may have started over: its conversation stays.
      if (changes.id || stored.id === this.kept.id) localStorage.setItem(this.key, JSON.stringify(this.kept));
    } catch {} // storage may be forbidden
  }

  forget() {
    this.kept = {};
    this.seen = new Set();
    this.settled = 0;
    this.proven = false;
    try {
      localStorage.removeItem(this.key);
    } catch {}
  }

  close() {
    this.closed = true;
    this.hear = () => {};
    this.aborter.abort();
  }

  call(path, options) {
    return request(path, { token: this.kept.token, signal: this.aborter.signal, ...options });
  }

  at(path) {
    return `conversations/${this.kept.id}/${path}`;
  }

  open() {
    this.opening ||= this.establish().finally(() => (this.opening = null));
    return this.opening;
  }

  async establish() {
    if (!this.kept.id) {
      const path = `bots/${encodeURIComponent(this.bot)}/conversations`;
      const made = await (await this.call(path, { method: "POST", token: "", body: {} })).json();
      if (this.closed) throw new Failure();
      this.keep({ id: made.id, token: made.token, who: "", seq: "0" });
    }
    if (this.identity && !this.proven) await this.prove({ token: this.identity });
    this.follow();
  }

  /** By a token of the page, or (as our `own`) by the code of a sign-in. */
  async prove(body, own) {
    try {
      const { name, subject: sub } = await (await this.call(this.at("identity"), { method: "POST", body })).json();
      this.keep({ who: own ? sub : this.who, name, own });
    } catch (failure) {
      if (failure.passing || failure.status === 404) throw failure;
      this.hear("note", { text: "We could not confirm your sign-in. You can still chat as a guest." });
    }
    this.proven = true;
  }

  async resume() {
    for (let attempt = 0; this.kept.id && !this.closed; attempt++) {
      try {
        await this.open();
        await this.catchUp();
        if (this.kept.status) this.hear("status", this.kept.status);
        break;
      } catch (failure) {
        if (failure.gone) this.forget();
        this.hear("line", failure.gone);
      }
      await backoff(attempt);
    }
    if (this.kept.pending) this.hear("pending", this.kept.pending);
  }

  async catchUp() {
    const history = await (await this.call(this.at("messages"))).json();
    this.hear("history", history.messages);
  }

  /** Sends one message (or decision) after the ones before it; resolves when answered. */
  send(path, body, turn = {}) {
    const sent = this.queue.then(() => this.deliver(path, body, turn));
    this.queue = sent.catch(() => {});
    return sent;
  }

  async deliver(path, body, turn) {
    if (body.client_id) this.keep({ pending: body });
    try {
      for (let attempt = 0; !this.closed; attempt++) {
        try {
          await this.open();
          this.keep(body.client_id ? { pending: body } : {});
          this.turn = turn;
          this.hear("sending");
          return await this.converse(path, body, turn);
        } catch (failure) {
          if (turn.done || this.closed) return;
          if (failure.gone && !turn.renewed && this.kept.id && body.client_id) {
            turn.renewed = true;
            this.forget();
            this.hear("note", { text: "The former conversation has ended. This is a new one." });
          } else if (!failure.passing || attempt > 5) throw failure;
          else {
            this.hear("line", false);
            await backoff(attempt);
          }
        }
      }
    } finally {
      this.turn = null;
      this.keep({ pending: undefined });
    }
  }

  async converse(path, body, turn) {
    const response = await this.call(this.at(path), { method: "POST", body, accept: "text/event-stream" });
    this.hear("line", true);
    this.keep({ pending: undefined });
    if (!/event-stream/.test(response.headers.get("Content-Type"))) {
      const data = await response.json().catch(() => ({}));
      if (data.owner) this.receive({ type: "status", data: { ...this.kept.status, ...data } }, true);
      else if (data.id) this.receive({ type: "answer", data }, true);
      turn.done = true;
      return;
    }
    for await (const event of readEvents(response)) {
      this.receive(event, true);
      if (turn.done) return;
    }
    throw new Failure(); // no answer: asking again with the same client_id is harmless
  }

  async follow() {
    if (this.following) return;
    this.following = true;
    for (let attempt = 0; !this.closed && this.kept.id; attempt++) {
      try {
        const options = { accept: "text/event-stream", after: this.kept.seq || "0" };
        const response = await this.call(this.at("events"), options);
        this.hear("line", true);
        for await (const event of readEvents(response)) {
          attempt = 0;
          this.receive(event, false);
        }
      } catch (failure) {
        if (failure.gone) break;
        if (attempt > 0) this.hear("line", false);
      }
      if (!this.closed) await backoff(attempt);
    }
    this.following = false;
  }

  /** Each event counts once, whether our own request or the line of events brings it first. */
  receive({ type, data, id }, own) {
    const number = Number(id) || 0;
    if (type === "delta") {
      // The line repeats what our request streams.
      if (own ? !this.turn?.done : !this.turn && Number(this.kept.seq) >= this.settled) this.hear(type, data);
      return;
    }
    if (number && !own) this.keep({ seq: id });
    if (number && this.seen.has(id)) return;
    this.seen.add(id);
    if (type === "status") this.keep({ status: data });
    if (type === "answer" || (type === "error" && own)) {
      this.settled = Math.max(this.settled, number);
      if (this.turn) this.turn.done = true;
      // Asked in another tab, or before this page: the question comes with the history.
      else if (!own) return this.catchUp().catch(() => {}).then(() => this.hear(type, data, true));
    }
    this.hear(type, data, true);
  }

  async handoff() {
    await this.open();
    const response = await this.call(this.at("handoff"), { method: "POST", body: {} });
    const data = await response.json().catch(() => ({}));
    if (data.owner) this.receive({ type: "status", data }, true);
  }

  feedback(id, helpful, comment) {
    return this.call(`messages/${id}/feedback`, { method: "POST", body: { helpful, comment } });
  }

  async signOut() {
    if (this.kept.id) await this.call(this.at("identity"), { method: "DELETE" }).catch(() => {});
    this.forget();
    this.keep({ left: 1 });
  }
}

// ---- component

/** What few customers need. */
const more = () => import(ORIGIN + "/widget-more.js");
const ROUTES = { document: "Reading documents", dynamic: "Checking live data" };
const phone = matchMedia("(max-width: 520px), (max-height: 440px)");
const dark = matchMedia("(prefers-color-scheme: dark)");

class SwitchboardChat extends HTMLElement {
  async start(config) {
    this.config = config;
    this.bot = this.dataset.bot;
    this.name = config.name || "Assistant";
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [stylesheet()];
    this.shadowRoot.append((this.root = h("div", { className: "root" })));
    this.root.append(this.drawPanel(), this.drawLauncher());
    this.applyTheme();
    dark.addEventListener("change", () => this.applyTheme());
    phone.addEventListener("change", () => this.fit());
    window.visualViewport?.addEventListener("resize", () => this.fit());
    addEventListener("storage", (event) => this.onStorage(event));
    this.begin(this.dataset.identity || (await this.askPage(false)));
    if (this.remembered() && !phone.matches) this.open(false);
    if (location.hash.startsWith("#switchboard=")) (await more()).comeBack(this);
  }

  begin(identity) {
    this.talk?.close();
    this.items = new Map();
    this.sent = {};
    this.draft = this.asked = null;
    this.showStatus({ owner: "bot" }, true);
    this.showLine(true);
    this.log.replaceChildren(this.drawWelcome());
    this.talk = new Conversation(this.bot, identity, (type, data, live) => this.hear(type, data, live));
    this.talk.resume();
  }

  async askPage(wanted) {
    try {
      return await window[this.dataset.identityCallback](wanted);
    } catch {}
  }

  onStorage({ key, newValue }) {
    if (key !== this.talk.key && key !== null) return;
    const { id, who, name, own } = JSON.parse(newValue) || {};
    // Another tab started over, signed in or out: what was said goes.
    if (id === this.talk.kept.id) Object.assign(this.talk.kept, { who, name, own });
    else if (!this.talk.turn) this.begin(this.talk.identity);
  }

  drawLauncher() {
    this.badge = h("span", { className: "badge", hidden: true });
    this.launcher = button("launcher", () => (this.panel.hidden ? this.open() : this.close()), icon("chat"), icon("down"), this.badge);
    this.launcher.setAttribute("aria-expanded", "false");
    this.unread = 0;
    this.countUnread(0);
    return this.launcher;
  }

  drawPanel() {
    this.subtitle = h("span", { className: "subtitle" }, "Virtual assistant");
    this.banner = h("div", { className: "banner", role: "status", hidden: true });
    this.line = h("div", { className: "banner line", role: "status", hidden: true });
    this.log = h("div", {
      className: "log", role: "log", tabIndex: 0, lang: this.config.languages?.[0] || "", "aria-live": "polite", "aria-label": "Conversation",
    });
    this.panel = h(
      "section",
      { className: "panel", role: "dialog", "aria-label": "Chat with " + this.name, hidden: true, tabIndex: -1,
        onkeydown: (event) => this.onKey(event) },
      this.drawHeader(), this.banner, this.line, this.log, this.drawComposer(),
    );
    return this.panel;
  }

  drawHeader() {
    const name = h("strong", { className: "name" }, this.name);
    const more = iconButton("round more", "more", "More", () => this.toggleMenu());
    const close = iconButton("round", "close", "Close chat", () => this.close());
    more.setAttribute("aria-expanded", "false");
    const item = (symbol, label, act) => button("item", () => (this.toggleMenu(false), act()), icon(symbol), label);
    this.more = more;
    this.menuPerson = item("person", "Talk to a person", () => this.askPerson());
    this.menuExit = item("out", "Sign out", () => this.signOut());
    this.menuEnter = item("person", "Sign in", () => this.signIn());
    this.menu = h("div", { className: "menu", hidden: true }, this.menuPerson,
      item("restart", "Start over", () => this.startOver()), this.menuEnter, this.menuExit);
    const title = h("span", { className: "title" }, name, this.subtitle);
    return h("header", {}, this.drawAvatar(), title, more, close, this.menu);
  }

  drawAvatar(large) {
    const letter = h("span", { className: "avatar" + (large ? " large" : ""), "aria-hidden": "true" }, this.name[0]);
    const src = safeUrl(this.config.theme?.logo);
    const image = src && h("img", { alt: "", onload: () => letter.replaceChildren(image), src });
    return letter;
  }

  drawComposer() {
    this.input = h("textarea", {
      rows: 1, placeholder: "Ask a question…", "aria-label": "Your message", "aria-describedby": "counter",
      oninput: () => this.measure(), onkeydown: (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        this.submit();
      },
    });
    this.sendButton = iconButton("submit", "send", "Send", () => this.submit());
    this.sendButton.disabled = true;
    this.counter = h("span", { id: "counter", className: "counter", "aria-live": "polite" });
    this.footPerson = button("quiet", () => this.askPerson(), icon("person"), "Talk to a person");
    return h("footer", {},
      h("div", { className: "box", onclick: () => this.input.focus() }, this.input, this.sendButton),
      h("div", { className: "foot" }, this.footPerson,
        button("quiet", () => this.startOver(), icon("restart"), "Start over"), this.counter));
  }

  drawWelcome() {
    const greeting = this.config.greeting || `Hello! Ask ${this.name} anything.`;
    const asks = (this.config.suggestions || []).map((text) => button("suggestion", () => this.say(text), text, icon("out")));
    this.suggestions = asks.length ? h("div", { className: "suggestions", role: "group",
      "aria-label": "Suggested questions" }, h("p", {}, "Try asking"), ...asks) : null;
    return h("div", { className: "welcome" }, this.drawAvatar(true),
      h("div", { className: "greeting", dir: "auto" }, rich(greeting)), this.suggestions);
  }

  applyTheme() {
    const isDark = (this.dataset.theme || (dark.matches ? "dark" : "")) === "dark";
    const color = String(this.config.theme?.color).replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3");
    const accent = parse(/^#[\da-f]{6}$/i.test(color) ? color : "#3b5bdb");
    const on = luminance(accent) < 0.179 ? "#fff" : "#000";
    const shade = legible(accent, isDark ? [42, 46, 55] : [238, 240, 243]);
    this.root.classList.toggle("dark", isDark);
    for (const [name, value] of [["accent", `rgb(${accent})`], ["on", on], ["ink", `rgb(${shade})`]])
      this.root.style.setProperty("--" + name, value);
  }

  fit() {
    const view = window.visualViewport;
    const full = phone.matches && view;
    this.root.style.setProperty("--height", full ? view.height + "px" : "");
    this.root.style.setProperty("--top", full ? view.offsetTop + "px" : "");
    this.panel.setAttribute("aria-modal", String(phone.matches));
  }

  open(focus = true) {
    this.fit();
    this.panel.hidden = false;
    this.root.classList.add("open");
    this.launcher.setAttribute("aria-expanded", "true");
    this.remembered(true);
    this.countUnread(0);
    this.toEnd();
    if (focus) (phone.matches ? this.panel : this.input).focus({ preventScroll: true });
  }

  close() {
    const inside = this.panel.contains(this.shadowRoot.activeElement);
    this.toggleMenu(false);
    this.panel.hidden = true;
    this.root.classList.remove("open");
    this.launcher.setAttribute("aria-expanded", "false");
    this.remembered(false);
    this.countUnread(this.unread);
    if (inside) this.launcher.focus({ preventScroll: true });
  }

  remembered(open) {
    try {
      if (open !== undefined) sessionStorage.setItem(this.talk.key, open);
      return sessionStorage.getItem(this.talk.key) === "true";
    } catch {}
  }

  toggleMenu(show = this.menu.hidden) {
    this.menu.hidden = !show;
    this.more.setAttribute("aria-expanded", String(show));
    const { who, name } = this.talk.kept;
    this.menuExit.hidden = !who;
    this.menuEnter.hidden = who || !this.ways().length;
    this.menuExit.lastChild.data = "Sign out" + (name ? " " + name : "");
    if (show) this.menu.querySelector("button:not([hidden])").focus();
  }

  onKey(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      if (this.sheet) this.dismiss();
      else if (!this.menu.hidden) {
        this.toggleMenu(false);
        this.more.focus();
      } else this.close();
    }
    if (event.key !== "Tab") return;
    const within = this.sheet || this.panel;
    const stops = [...within.querySelectorAll("button,a[href],textarea,summary,[tabindex='0']")]
      .filter((node) => !node.disabled && node.getClientRects().length);
    const [first, last] = [stops[0], stops[stops.length - 1]];
    const active = this.shadowRoot.activeElement;
    if (active === (event.shiftKey ? first : last) || active === within) {
      event.preventDefault();
      (event.shiftKey ? last : first).focus();
    }
  }

  countUnread(count) {
    this.unread = count;
    this.badge.hidden = !count;
    this.badge.textContent = count;
    const news = count ? `, ${count} new` : "";
    this.launcher.setAttribute("aria-label", this.panel.hidden ? `Chat with ${this.name}${news}` : "Close chat");
  }

  atEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
  }

  toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  measure() {
    const length = [...this.input.value].length;
    const over = length > LIMIT;
    this.input.style.height = "auto";
    this.input.style.height = this.input.scrollHeight + "px";
    this.sendButton.disabled = over || !this.input.value.trim();
    this.counter.classList.toggle("over", over);
    this.counter.textContent = over ? `${length - LIMIT} characters too many` : length > LIMIT - 400 ? `${LIMIT - length} left` : "";
  }

  submit() {
    const text = this.input.value.trim();
    if (this.sendButton.disabled) return;
    this.input.value = "";
    this.measure();
    this.say(text);
  }

  say(text) {
    this.post({ text, client_id: newId() }, text);
  }

  /** On the screen at once, sent in its turn. */
  async post(body, text, path = "messages", bubble = this.addCustomer({ text, client_id: body.client_id })) {
    const talk = this.talk;
    const turn = { bubble, again: () => this.post({ ...body, client_id: newId() }, text, path, bubble) };
    this.toEnd();
    bubble.classList.remove("failed");
    if (path === "messages") body.page_url = location.href.split(/[?#]/)[0];
    try {
      await talk.send(path, body, turn);
    } catch (failure) {
      if (talk === this.talk) this.fail(bubble, failure.explanation, () => this.post(body, text, path, bubble));
    }
    if (talk === this.talk) this.endDraft();
  }

  fail(bubble, reason, again) {
    const row = h("div", { className: "failure", role: "alert" }, reason, " ",
      button("again", () => (row.remove(), again()), "Try again"));
    bubble.classList.add("failed");
    bubble.append(row);
    this.toEnd();
  }

  async askPerson() {
    try {
      await this.talk.handoff();
    } catch (failure) {
      this.addNote(failure.explanation, () => this.askPerson());
    }
  }

  startOver() {
    if (!this.items.size) return this.input.focus();
    more().then(({ ask }) => ask(this, h, button)).catch(() => this.showLine(false));
  }

  dismiss() {
    this.sheet.remove();
    this.sheet = null;
    this.input.focus();
  }

  async identify(token) {
    const { talk } = this;
    const who = subject(token);
    if (talk.kept.who && talk.kept.who !== who) talk.forget();
    if (!talk.kept.id) return this.begin(token);
    Object.assign(talk, { identity: token, who });
    await talk.prove({ token }).catch(() => this.begin(token));
  }

  async signOut() {
    await this.talk.signOut();
    this.begin();
  }

  /** By the page ("identity") if it has a function for that. */
  ways() {
    return this.config.sign_in.methods.filter((method) => method !== "identity" || this.dataset.identityCallback);
  }

  async signIn() {
    // Browsers allow it in answer to a click alone.
    const popup = this.ways()[0] === "openid" && window.open("", "", "popup,width=480,height=720");
    (await more()).signIn(this, popup);
  }

  hear(type, data, live) {
    const follow = this.atEnd();
    const act = {
      history: () => this.addHistory(data),
      pending: () => this.items.has(data.client_id) || this.post(data, data.text ?? data.choice.value),
      sending: () => this.status.owner === "person" || this.think(),
      line: () => this.showLine(data),
      note: () => this.addNote(data.text),
      route: () => this.think(ROUTES[data.route]),
      delta: () => this.addDelta(data.text),
      answer: () => this.addAnswer(data, true),
      message: () => this.addPerson(data),
      status: () => this.showStatus(data),
      typing: () => this.showTyping(data),
      error: () => this.addError(data),
    };
    if (act[type]) act[type]();
    else this.asked = { ...this.asked, [type]: data }; // choices, confirm, sign_in: shown with the answer
    if (live && this.panel.hidden && /^(answer|message)$/.test(type)) this.countUnread(this.unread + 1);
    if (follow && type !== "answer") this.toEnd();
  }

  think(label) {
    if (!this.draft) {
      const body = h("div", { className: "body" });
      this.draft = { text: "", body, node: h("div", { className: "message bot draft", "aria-hidden": "true" }, body) };
      this.log.append(this.draft.node);
      this.log.setAttribute("aria-busy", "true");
    }
    if (!this.draft.text) this.draft.body.replaceChildren(dots(), label ? label + "…" : "");
  }

  addDelta(text) {
    this.think();
    this.draft.text += text;
    this.draft.frame ||= requestAnimationFrame(() => {
      if (!this.draft) return;
      const follow = this.atEnd();
      this.draft.frame = 0;
      this.draft.body.replaceChildren(rich(this.draft.text));
      if (follow) this.toEnd();
    });
  }

  endDraft() {
    this.draft?.node.remove();
    this.draft = null;
    this.log.setAttribute("aria-busy", "false");
    const asked = this.asked;
    this.asked = null;
    return asked;
  }

  addHistory(list) {
    // Only what is new is read aloud.
    this.log.setAttribute("aria-live", "off");
    for (const message of list) {
      const role = message.role || message.author;
      if (role === "customer") this.addCustomer(message);
      else if (role === "person") this.addPerson(message);
      else this.addAnswer({ ...message, ...message.answer, id: message.id });
    }
    this.toEnd();
    setTimeout(() => this.log.setAttribute("aria-live", "polite"), 500);
  }

  add(keys, node) {
    const known = keys.some((key) => this.items.has(key));
    for (const key of keys) if (key) this.items.set(key, node);
    if (known) return;
    for (const old of this.log.querySelectorAll(".asks")) old.remove();
    this.log.insertBefore(node, this.draft?.node || null);
    this.suggestions?.remove();
  }

  bubble(kind, speaker, ...children) {
    return h("div", { className: "message " + kind }, h("span", { className: "hidden" }, speaker + ": "), ...children);
  }

  addCustomer({ id, client_id, text }) {
    // A decision has no client_id: the history knows its words.
    const sent = id && !client_id && !this.items.has(id) && this.sent[text]?.shift?.();
    if (sent) return this.items.set(id, sent);
    const node = this.bubble("customer", "You", h("div", { className: "body", dir: "auto" }, text));
    this.add([client_id, id], node);
    client_id || id || (this.sent[text] ||= []).push(node);
    return node;
  }

  addPerson({ id, text, name }) {
    name ||= "Support";
    const node = this.bubble("human", name, h("span", { className: "initial", "aria-hidden": "true" }, name[0]),
      h("span", { className: "speaker", "aria-hidden": "true" }, name), h("div", { className: "body", dir: "auto" }, rich(text)));
    this.typing?.remove();
    this.add([id], node);
  }

  addNote(text, again) {
    this.log.append(h("div", { className: "note" }, text, " ", again ? button("again", again, "Try again") : ""));
  }

  addError({ message = "Something went wrong." }) {
    const { turn } = this.talk;
    this.endDraft();
    if (turn) this.fail(turn.bubble, message, turn.again);
    else this.addNote(message);
  }

  addAnswer(data, live) {
    const asked = live && this.endDraft();
    const follow = this.atEnd();
    if (this.items.has(data.id)) return;
    const node = this.bubble("bot", this.name, h("div", { className: "body", dir: "auto" }, rich(data.text)));
    if (data.citations?.length) node.append(this.drawSources(data.citations));
    // Thumbs are for answers, not for questions.
    if (data.id && !(data.route === "dynamic" && data.choices) && !data.sign_in) node.append(this.drawFeedback(data));
    const asks = this.drawAsks({ ...data, ...asked });
    if (asks.childElementCount) node.append(asks);
    this.add([data.id], node);
    if (live && follow) this.log.scrollTop = Math.min(node.offsetTop - 12, this.log.scrollHeight);
  }

  drawSources(citations) {
    const seen = new Set();
    const list = h("ul", { className: "sources", "aria-label": "Sources" });
    for (const { kind, title, url, page, quote, date } of citations) {
      const name = (title || "Source") + (page ? `, p. ${page}` : "");
      const href = safeUrl(url);
      if (seen.has(name + quote)) continue;
      seen.add(name + quote);
      list.append(h("li", {}, h("details", { ontoggle: ({ target }) => target.scrollIntoView({ block: "nearest" }) },
        h("summary", {}, icon(kind), h("span", {}, name)),
        h("div", { className: "quote" },
          quote ? h("blockquote", { dir: "auto" }, quote) : "",
          date ? h("span", {}, "As of " + readableDate(date)) : "",
          href ? link(href, "Open source", icon("out")) : ""))));
    }
    return list;
  }

  drawFeedback({ id, helpful }) {
    const { talk } = this;
    const thanks = h("span", { role: "status" });
    const show = (value) => votes.forEach((vote, at) => vote.setAttribute("aria-pressed", value === !at));
    const tell = async (value, comment) => {
      show(value);
      box.querySelector("form")?.remove();
      try {
        await talk.feedback(id, value, comment);
        if (value || comment != null) thanks.textContent = "Thank you!";
        else box.append((await more()).wrongForm(this, h, (words) => tell(false, words)));
      } catch (failure) {
        show();
        thanks.textContent = failure.explanation;
      }
    };
    const votes = [iconButton("vote", "good", "Helpful", () => tell(true)), iconButton("vote", "bad", "Not helpful", () => tell(false))];
    const box = h("div", { className: "feedback", role: "group", "aria-label": "Was this helpful?" }, ...votes, thanks);
    show(helpful);
    return box;
  }

  drawAsks({ choices, confirm, sign_in, handoff, route }) {
    const asks = h("div", { className: "asks" });
    const group = (label, ...buttons) => h("div", { className: "row", role: "group", "aria-label": label }, ...buttons);
    if (choices?.options?.length)
      asks.append(group(choices.prompt || "Choose", ...choices.options.map(({ value, label = String(value) }) => button("choice", () =>
        this.post({ choice: { field: choices.field, value }, client_id: newId() }, label), label))));
    if (confirm) {
      const decide = (decision, label) => () => this.post({ decision }, label, "confirmations/" + confirm.id);
      asks.append(group("Confirm", button("secondary", decide("no", "No"), "No"), button("primary", decide("yes", "Yes"), "Yes")));
    }
    if (sign_in && this.ways().length) asks.append(group("Sign in", button("primary", () => this.signIn(), "Sign in")));
    if (handoff && route !== "human" && this.status.owner === "bot" && !this.status.waiting)
      asks.append(group("Talk to a person", button("choice", () => this.askPerson(), icon("person"), "Talk to a person")));
    return asks;
  }

  showStatus(status, quiet) {
    const person = status.owner === "person";
    const busy = Boolean(person || status.waiting);
    const back = this.status?.owner === "person" && !busy && !quiet;
    this.status = status;
    this.banner.hidden = !busy && !back;
    this.banner.className = "banner " + (person ? "talking" : busy ? "waiting" : "");
    this.banner.textContent = person ? `You’re talking to ${status.name || "a person"}`
      : busy ? "Waiting for a person. You can keep writing." : this.name + " is answering again";
    this.menuPerson.hidden = this.footPerson.hidden = busy;
    this.subtitle.textContent = person ? status.name || "Our team" : "Virtual assistant";
    clearTimeout(this.statusTimer);
    if (back) this.statusTimer = setTimeout(() => (this.banner.hidden = true), 6000);
  }

  showLine(online) {
    this.line.hidden = online;
    this.line.textContent = "No connection. Trying again…";
  }

  showTyping({ name, typing }) {
    this.typing?.remove();
    clearTimeout(this.typingTimer);
    if (typing === false) return;
    this.typing = h("div", { className: "message human" }, h("div", { className: "body" }, dots(), (name || this.status.name || "Support") + " is typing…"));
    this.log.append(this.typing);
    this.typingTimer = setTimeout(() => this.typing.remove(), 6000);
  }
}

customElements.define("switchboard-chat", SwitchboardChat);

const dots = () => h("span", { className: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));

function stylesheet() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
:host { all: initial !important; display: contents !important }
.root { --bg: #fff; --soft: #f3f4f6; --line: #e3e5ea; --text: #17191e; --mute: #5a606c; --warn: #b42318; --amber: #d97706; --live: #16a34a;
--shade: rgb(20 24 32 / .16); --top: 0px; --height: 100dvh; color: var(--text); color-scheme: light;
font: 400 15px/1.5 system-ui, sans-serif }
.dark { --bg: #15171c; --soft: #23262e; --line: #31353f; --text: #f0f1f4; --mute: #a6acb8; --warn: #ff9a8f;
--shade: rgb(0 0 0 / .55); color-scheme: dark }
* { box-sizing: border-box; margin: 0; padding: 0 }
[hidden] { display: none !important }
button, textarea { font: inherit; color: inherit; background: none; border: 0 }
button, summary { cursor: pointer }
button { display: inline-flex; align-items: center; gap: 6px; transition: background .15s }
button:active { transform: scale(.96) }
button:disabled { cursor: default; opacity: .4 }
:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px }
a, .choice { color: var(--ink) }
.icon { width: 18px; height: 18px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round }
.more { stroke-width: 3 }
.bad { rotate: 180deg }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
.launcher { position: fixed; right: 20px; bottom: calc(20px + env(safe-area-inset-bottom)); z-index: 2147483000; width: 60px; height: 60px;
justify-content: center; border-radius: 50%; background: var(--accent); color: var(--on);
box-shadow: 0 8px 28px var(--shade), 0 0 0 1px color-mix(in srgb, var(--on) 50%, transparent) }
.launcher:hover { transform: translateY(-2px) }
.launcher .icon { width: 28px; height: 28px; position: absolute; transition: opacity .2s, rotate .2s }
.launcher .down, .open .launcher .chat { opacity: 0; rotate: -60deg }
.open .launcher .down { opacity: 1; rotate: 0deg }
.badge { position: absolute; top: -3px; right: -3px; min-width: 22px; padding: 0 6px; border-radius: 11px; background: #c81e1e; color: #fff;
font: 600 12px/22px system-ui; text-align: center; box-shadow: 0 0 0 2px var(--bg) }
.panel { position: fixed; right: 20px; bottom: calc(94px + env(safe-area-inset-bottom)); z-index: 2147483001; width: 408px;
height: min(700px, 100dvh - 114px); display: flex; flex-direction: column; overflow: hidden; background: var(--bg); border-radius: 20px;
box-shadow: 0 24px 64px var(--shade), 0 0 0 1px var(--line); outline: 0; animation: rise .2s }
@keyframes rise { from { opacity: 0; transform: translateY(14px) scale(.97) } }
header { position: relative; display: flex; align-items: center; gap: 4px; padding: 14px 12px 12px 16px; border-bottom: 1px solid var(--line);
background: linear-gradient(color-mix(in srgb, var(--accent) 9%, var(--bg)), var(--bg)) }
.title { display: grid; flex: 1; min-width: 0; margin-left: 8px; line-height: 1.3 }
.name { font-weight: 620; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.subtitle { font-size: 12.5px; color: var(--mute) }
.avatar, .initial { display: grid; place-items: center; width: 38px; height: 38px; flex: none; overflow: hidden; border-radius: 12px;
background: var(--accent); color: var(--on); font-weight: 650 }
.avatar img { width: 100%; height: 100%; object-fit: contain; background: #fff }
.large { width: 52px; height: 52px; font-size: 22px }
.round { width: 36px; height: 36px; justify-content: center; border-radius: 10px; color: var(--mute) }
.round:hover, .item:hover, .secondary:hover, .quiet:hover, .vote:hover { background: color-mix(in srgb, var(--text) 8%, transparent); color: var(--text) }
.menu { position: absolute; top: 56px; right: 12px; z-index: 2; display: grid; min-width: 200px; padding: 6px; border-radius: 12px; background: var(--bg);
box-shadow: 0 8px 28px var(--shade), 0 0 0 1px var(--line); animation: rise .2s }
.item { gap: 10px; padding: 8px 10px; border-radius: 9px }
.banner { display: flex; align-items: center; gap: 9px; padding: 8px 16px; border-bottom: 1px solid var(--line); font-size: 13.5px; background: var(--soft) }
.banner::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: var(--ink) }
.waiting::before, .line::before { background: var(--amber); animation: pulse 1.6s infinite }
.talking::before { background: var(--live) }
@keyframes pulse { 50% { opacity: .3 } }
.log { position: relative; flex: 1; overflow: auto; overscroll-behavior: contain; padding: 20px 16px 16px; outline-offset: -3px }
.welcome { padding: 4px 0 14px }
.greeting { margin: 14px 0 20px; font-size: 19px; line-height: 1.4; font-weight: 600 }
.suggestions { display: grid; gap: 8px }
.suggestions p, .note { font-size: 12.5px; color: var(--mute) }
.suggestion { justify-content: space-between; padding: 11px 14px; border-radius: 13px; text-align: start; line-height: 1.4; box-shadow: inset 0 0 0 1px var(--line) }
.suggestion .icon { color: var(--mute); rotate: 45deg }
.suggestion:hover, .choice:hover { background: var(--soft) }
.note { display: block; margin: 14px 0; text-align: center }
.message { position: relative; margin: 0 0 14px; animation: rise .2s }
.bot:not(.draft) { animation: none }
.body { width: fit-content; max-width: 100%; padding: 10px 14px; border-radius: 18px; border-bottom-left-radius: 6px; background: var(--soft); overflow-wrap: anywhere }
.body > * + * { margin-top: 8px }
.body ul, .body ol { padding-inline-start: 20px }
.bot, .human { margin-right: 28px }
.customer { display: grid; justify-items: end; margin-left: 56px }
.customer .body { border-radius: 18px 18px 6px; background: var(--accent); color: var(--on); white-space: pre-wrap }
.failed .body { opacity: .8 }
.failure { margin-top: 5px; font-size: 13px; color: var(--warn); text-align: end }
.again { min-height: 24px; font-weight: 600; text-decoration: underline }
.human { padding-left: 38px }
.initial { position: absolute; left: 0; bottom: 0; width: 30px; height: 30px; border-radius: 50%; font-size: 13px }
.speaker { display: block; margin: 0 0 3px 2px; font-size: 12.5px; color: var(--mute) }
.dots { display: inline-flex; gap: 4px; margin-right: 8px; vertical-align: 2px }
.dots i { width: 6px; height: 6px; border-radius: 50%; background: var(--mute); animation: bounce 1.2s infinite }
.dots i + i { animation-delay: .15s }
.dots i + i + i { animation-delay: .3s }
@keyframes bounce { 30% { transform: translateY(-4px) } 60% { transform: none } }
.body:has(.dots) { color: var(--mute); font-size: 13.5px }
.sources { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 7px; list-style: none; font-size: 13px }
.sources li { max-width: 100% }
.sources li:has([open]) { width: 100% }
summary { display: flex; align-items: center; gap: 6px; width: fit-content; max-width: 100%; min-height: 28px; padding: 3px 11px 3px 8px; border-radius: 14px;
box-shadow: inset 0 0 0 1px var(--line); color: var(--mute); list-style: none }
summary:hover, [open] summary { color: var(--text); background: var(--soft) }
summary span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
summary .icon, .feedback .icon, .quote .icon, .quiet .icon { width: 15px; height: 15px }
.quote { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 6px 12px; margin: 8px 0 6px 10px; padding-left: 12px; border-left: 2px solid var(--ink); color: var(--mute) }
blockquote { width: 100%; max-height: 180px; overflow: auto; color: var(--text); white-space: pre-line }
.quote a { display: inline-flex; align-items: center; gap: 3px; min-height: 24px }
.feedback { display: flex; flex-wrap: wrap; align-items: center; gap: 2px; margin: 3px 0 0 2px; font-size: 12.5px; color: var(--mute) }
.feedback span { margin-left: 6px }
.vote { width: 28px; height: 28px; justify-content: center; border-radius: 8px }
.vote[aria-pressed=true] { color: var(--ink) }
.vote[aria-pressed=true] .icon { fill: color-mix(in srgb, currentColor 20%, transparent) }
.asks { display: grid; gap: 8px; margin-top: 10px }
.row { display: flex; flex-wrap: wrap; gap: 8px }
.choice, .primary, .secondary { min-height: 36px; padding: 6px 14px; border-radius: 18px; font-weight: 550; text-align: start; line-height: 1.35 }
.choice { box-shadow: inset 0 0 0 1px }
.primary { background: var(--accent); color: var(--on) }
.secondary { box-shadow: inset 0 0 0 1px var(--line) }
.card { padding: 14px; border-radius: 16px; background: var(--bg); box-shadow: 0 0 0 1px var(--line) }
.card .row { justify-content: end; margin-top: 14px }
footer { padding: 0 12px calc(8px + env(safe-area-inset-bottom)) }
.box { display: flex; align-items: end; gap: 8px; padding: 6px 6px 6px 14px; border-radius: 22px; background: var(--bg); box-shadow: inset 0 0 0 1px #858b97 }
.box:focus-within { box-shadow: inset 0 0 0 2px var(--ink) }
.box textarea { flex: 1; min-width: 0; max-height: 140px; padding: 5px 0; outline: 0; resize: none; line-height: 1.45 }
::placeholder { color: var(--mute); opacity: 1 }
.submit { width: 34px; height: 34px; flex: none; justify-content: center; border-radius: 50%; background: var(--accent); color: var(--on) }
.submit:disabled { background: var(--soft); color: var(--mute); opacity: 1 }
.foot { display: flex; align-items: center; gap: 2px; margin-top: 5px; font-size: 12.5px; color: var(--mute) }
.quiet { min-height: 28px; padding: 2px 8px; border-radius: 8px }
.counter { margin-left: auto }
.over { color: var(--warn); font-weight: 600 }
@media (max-width: 520px), (max-height: 440px) {
.panel { inset: var(--top) 0 auto; width: 100%; height: var(--height); border-radius: 0 }
header { padding-top: calc(12px + env(safe-area-inset-top)) }
.open .launcher { display: none }
.root { font-size: 16px }
textarea { font-size: 16px !important }
.round { width: 44px; height: 44px }
.quiet, .vote, summary { min-height: 34px; min-width: 34px }
}
@media (prefers-reduced-motion: reduce) { *, ::before { animation: none !important; transition: none !important } }
@media (forced-colors: active) { button, .box, .body, .panel { border: 1px solid } }
`);
  return sheet;
}

const chat = document.createElement("switchboard-chat");
const ready = (async () => {
  for (let attempt = 0; ; attempt++) {
    try {
      const config = await (await request("bots/" + encodeURIComponent(script.dataset.bot))).json();
      if (!document.body) await new Promise((resolve) => addEventListener("DOMContentLoaded", resolve));
      Object.assign(chat.dataset, script.dataset);
      document.body.append(chat);
      return chat.start(config);
    } catch (failure) {
      if (!failure.passing) return new Promise(() => {}); // no such bot: no widget, and no noise on the page
      await backoff(attempt);
    }
  }
})();

const later = (act) => (...values) => ready.then(() => act(...values));
window.Switchboard = {
  open: later(() => chat.open()),
  close: later(() => chat.close()),
  ask: later((text) => (chat.open(), chat.say(String(text)))),
  identify: later((token) => chat.identify(token)),
  signOut: later(() => chat.signOut()),
};
})();
