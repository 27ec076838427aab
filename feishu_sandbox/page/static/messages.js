// Buttons on messages: reactions, replies, withdrawing; arrow keys walk through the conversation.

import { answer, suggest } from "./composer.js";
import { post } from "./send.js";

const list = document.getElementById("messages");
const palette = document.getElementById("palette");
let opener = null;

function openPalette(button) {
  opener = button;
  palette.hidden = false;
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = palette;
  palette.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  palette.style.top = `${at.top > height + 12 ? at.top - height - 6 : at.bottom + 6}px`;
  palette.querySelector("button").focus();
}

function closePalette(back) {
  if (palette.hidden) return;
  palette.hidden = true;
  if (back) opener?.focus();
}

function press(button) {
  const { do: what, target } = button.dataset;
  if (what === "react") openPalette(button);
  else if (what === "toggle") post("react", { message_id: target, emoji: button.dataset.emoji });
  else if (what === "withdraw") post("withdraw", { message_id: target });
  else if (what === "reply" || what === "thread") answer(button.dataset);
  else if (what === "suggest") suggest(button.dataset.text);
}

function walk(event) {
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  if (!event.target.matches(".message, #scroll")) return;
  const all = [...list.querySelectorAll(".message:not(.notice)")];
  const here = all.indexOf(event.target);
  const next = event.key === "ArrowUp" ? (here < 0 ? all.length - 1 : here - 1) : here + 1;
  if (!all[next]) return;
  event.preventDefault();
  all[next].focus();
}

export function startMessages() {
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) return press(button);
    const quote = event.target.closest(".quote");
    if (quote) {
      event.preventDefault();
      const message = document.getElementById(quote.hash.slice(1));
      message?.scrollIntoView({ block: "center", behavior: "smooth" });
      message?.focus({ preventScroll: true });
      message?.classList.add("flash");
      return message && setTimeout(() => message.classList.remove("flash"), 1500);
    }
    const message = event.target.closest(".message");
    if (message && matchMedia("(hover: none)").matches && !getSelection().toString()) message.focus({ preventScroll: true });
    return undefined;
  });
  document.getElementById("scroll").addEventListener("keydown", walk);
  palette.addEventListener("click", (event) => {
    const emoji = event.target.closest("[data-emoji]")?.dataset.emoji;
    if (!emoji) return;
    closePalette(true);
    post("react", { message_id: opener.dataset.target, emoji });
  });
  palette.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
    const all = [...palette.children];
    const next = step && all[all.indexOf(document.activeElement) + step];
    if (next) {
      event.preventDefault();
      next.focus();
    }
    if (event.key === "Escape") closePalette(true);
  });
  document.addEventListener("pointerdown", (event) => {
    if (!palette.contains(event.target)) closePalette(false);
    for (const open of document.querySelectorAll("details.overflow[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
}
