// Live updates: fragments from the event stream, put where they belong.

import { chat, person, toast, words } from "./send.js";
import { showRows } from "./pane.js";

const list = document.getElementById("messages");
const scroll = document.getElementById("scroll");

function fragment(html) {
  return document.createRange().createContextualFragment(html);
}

const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };

// What a person is in the middle of survives a redraw: the focused control (by its place), what was typed into inputs
// that the new version still has, and panels they opened.
// A text that is being written comes again and again; only what differs is touched, so that a button in the same card can
// be pressed meanwhile. A button that does something else now is another button: no press that was meant for the old one
// hits it, and it does not wait for the old one's answer.
function replace(old, fresh) {
  const controls = (root) => [...root.querySelectorAll("button, a, input, select, textarea, summary, [tabindex]")];
  const place = controls(old).indexOf(document.activeElement);
  const own = document.activeElement === old.querySelector(":focus") && place < 0;
  const before = old.querySelectorAll("[data-input]");
  fresh.querySelectorAll("[data-input]").forEach((input, index) => {
    const known = before[index];
    if (known?.name === input.name && known.dataset.dirty) {
      input.dataset.dirty = "1";
      if (input.type === "checkbox") input.checked = known.checked;
      else input.value = known.value;
    }
  });
  const opened = old.querySelectorAll("details");
  fresh.querySelectorAll("details.panel, details.other").forEach((one, index) => {
    if (opened[index]?.open) one.open = true;
  });
  morph(old, fresh);
  if (place >= 0 || own) (controls(old)[place] || old.querySelector(".message"))?.focus({ preventScroll: true });
}

function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const other = old.nodeType !== Node.ELEMENT_NODE || old.nodeName !== fresh.nodeName
    || old.getAttribute("data-action") !== fresh.getAttribute("data-action");
  if (other || old.matches("input, select, textarea")) {
    old.replaceWith(fresh);
    return;
  }
  if (old.matches(".busy")) {
    fresh.classList.add("busy");
    fresh.setAttribute("aria-busy", "true");
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
  after.forEach((child, index) => (before[index] ? morph(before[index], child) : old.append(child)));
  for (const child of before.slice(after.length)) child.remove();
}

function showEntry({ key, html }) {
  const fresh = fragment(html).firstElementChild;
  const old = list.querySelector(`[data-entry="${CSS.escape(key)}"]`);
  list.querySelector("[data-empty]")?.remove();
  if (old) replace(old, fresh);
  else list.append(fresh);
}

function showAll(html) {
  const fresh = fragment(html);
  const items = [...fresh.children];
  const same = items.length === list.children.length
    && items.every((item, index) => item.outerHTML === list.children[index].outerHTML);
  if (!same) list.replaceChildren(fresh);
}

// A list redrawn while one of its links has the focus keeps it there.
function showList(id, html) {
  const box = document.getElementById(id);
  const kept = box.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const open = [...box.querySelectorAll("[data-app-id]")].filter((one) => one.querySelector("details[open]"));
  const names = open.map((one) => one.dataset.appId);
  box.replaceChildren(fragment(html));
  if (kept) box.querySelector(`[href="${CSS.escape(kept)}"]`)?.focus();
  for (const one of box.querySelectorAll("[data-app-id]")) {
    const details = one.querySelector("details");
    if (details && names.includes(one.dataset.appId)) details.open = true;
  }
}

function show(told) {
  const follow = atEnd();
  if (told.entries !== undefined) showAll(told.entries);
  for (const entry of told.entry ?? []) showEntry(entry);
  if (follow) toEnd();
  if (told.chats !== undefined) showList("chats", told.chats);
  if (told.apps !== undefined) showList("apps", told.apps);
  if (told.rows !== undefined) showRows(fragment(told.rows), true);
  if (told.row !== undefined) showRows(fragment(told.row), false);
}

export function startLive() {
  toEnd();
  scroll.addEventListener("load", () => { if (atEnd()) toEnd(); }, true); // images arrive after their message
  const query = new URLSearchParams({ user: person, chat });
  const source = new EventSource(`/sandbox/page/live?${query}`);
  let lost = null;
  const read = (event) => show(JSON.parse(event.data));
  source.addEventListener("sync", (event) => {
    lost?.remove();
    lost = null;
    document.body.dataset.live = "1";
    read(event);
  });
  source.addEventListener("batch", read);
  source.addEventListener("error", () => {
    delete document.body.dataset.live;
    if (source.readyState === EventSource.CLOSED) location.replace("/");
    else lost ??= toast("warning", words.lost, 0);
  });
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}
