// Writing: Enter sends, @ offers the members, drafts survive a change of chat, files go as they are chosen or dropped.

import { chat, person, post } from "./send.js";

const form = document.getElementById("composer");
const text = document.getElementById("text");
const type = document.getElementById("type");
const list = document.getElementById("mention-list");
const replying = document.getElementById("replying");
const draftKey = `draft ${person} ${chat}`;
const picked = new Map();
let replyTo = null;
let sending = false;

export function answer({ target, thread, name, words }) {
  replyTo = { reply_to: target, thread };
  const [who, what] = [replying.querySelector("b"), replying.querySelector(".replying-text span")];
  who.textContent = who.dataset.template.replace("%", () => name);
  what.textContent = words ?? "";
  replying.hidden = false;
  text.focus();
}

function stopReplying() {
  replyTo = null;
  replying.hidden = true;
  text.focus();
}

export function suggest(value) {
  text.value = value;
  text.focus();
}

async function send() {
  const value = text.value;
  if (sending) return;
  sending = true;
  const mentions = [...picked].filter(([name]) => value.includes(`@${name}`)).map(([, id]) => id);
  const msg_type = form.elements.msg_type.value;
  text.value = ""; // what is typed from now on is the next message
  const chosen = [...picked];
  picked.clear();
  const sent = await post("say", { text: value, type: type.value, msg_type, mentions, ...replyTo });
  sending = false;
  if (!sent) {
    text.value = value + text.value;
    for (const [name, id] of chosen) picked.set(name, id);
  }
  keepDraft();
  if (!sent) return;
  if (replyTo) stopReplying();
}

async function sendFile(kind, file) {
  const body = new FormData();
  body.append("file", file, file.name);
  const query = new URLSearchParams({ user: person, chat, kind, ...(replyTo ?? {}) });
  if (await post(`upload?${query}`, body) && replyTo) stopReplying();
}

// Mentions

const options = () => [...list.children].filter((one) => !one.hidden);
const selected = () => list.querySelector("[aria-selected='true']");

function select(option) {
  selected()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) text.setAttribute("aria-activedescendant", option.id);
  else text.removeAttribute("aria-activedescendant");
}

function sought() {
  const before = text.value.slice(0, text.selectionStart);
  const found = /(?:^|[^\w@])@([^@\n]{0,30})$/u.exec(before);
  return found ? found[1] : null;
}

function offer() {
  const wanted = type.value === "raw" ? null : sought();
  for (const one of list.children) {
    one.hidden = wanted === null || !one.dataset.name.toLowerCase().includes(wanted.toLowerCase());
  }
  const found = options();
  list.hidden = found.length === 0 || wanted === null;
  select(list.hidden ? null : found[0]);
}

function hide() {
  list.hidden = true;
  select(null);
}

function insert(option) {
  const at = text.selectionStart - sought().length - 1;
  text.setRangeText(`@${option.dataset.name} `, at, text.selectionStart, "end");
  picked.set(option.dataset.name, option.dataset.id);
  hide();
  keepDraft();
  text.focus();
}

// Browsers that cannot size a field by its content yet.
function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

function keepDraft() {
  grow();
  if (text.value) sessionStorage.setItem(draftKey, text.value);
  else sessionStorage.removeItem(draftKey);
}

function key(event) {
  if (event.isComposing) return; // an input method is choosing characters
  if (!list.hidden) {
    const found = options();
    const here = found.indexOf(selected());
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) select(found[(here + step + found.length) % found.length]);
    else if (event.key === "Enter" || event.key === "Tab") insert(selected());
    else if (event.key === "Escape") hide();
    else return;
    event.preventDefault();
  } else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    send();
  } else if (event.key === "Escape" && replyTo) {
    stopReplying();
  } else if (event.key === "ArrowUp" && !text.value) {
    event.preventDefault();
    [...document.querySelectorAll(".message:not(.notice)")].at(-1)?.focus();
  }
}

function changeType() {
  const raw = type.value === "raw";
  form.classList.toggle("raw", raw);
  document.getElementById("raw-type").hidden = !raw;
  text.placeholder = raw ? text.dataset.json : text.dataset.plain;
}

export function startComposer() {
  if (!form) return;
  text.value = sessionStorage.getItem(draftKey) ?? "";
  if (matchMedia("(hover: hover)").matches && !document.querySelector("dialog[open]")) text.focus();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  text.addEventListener("keydown", key);
  text.addEventListener("input", () => {
    offer();
    keepDraft();
  });
  text.addEventListener("blur", hide);
  type.addEventListener("change", changeType);
  changeType();
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the text keeps the focus
    const option = event.target.closest("[role='option']");
    if (option) insert(option);
  });
  replying.querySelector("[data-do='unreply']").addEventListener("click", stopReplying);
  for (const input of form.querySelectorAll("[data-upload]")) {
    input.addEventListener("change", async () => {
      for (const file of input.files) await sendFile(input.dataset.upload, file);
      input.value = "";
    });
  }
  const whichKind = (file) => (file.type.startsWith("image/") ? "image" : "file");
  const takeFiles = (event, data) => {
    const files = [...(data?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    for (const file of files) sendFile(whichKind(file), file);
  };
  text.addEventListener("paste", (event) => takeFiles(event, event.clipboardData));
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => takeFiles(event, event.dataTransfer));
}
