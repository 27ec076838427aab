// Cards call back: a click, a choice, an input, a form. What the app answers is a toast here and a new card by the stream.

import { post, toast, words } from "./send.js";

const list = document.getElementById("messages");

function ask(control) {
  const { confirmTitle, confirmText } = control.dataset;
  if (confirmTitle === undefined) return Promise.resolve(true);
  const dialog = document.getElementById("confirm");
  dialog.querySelector("h2").textContent = confirmTitle;
  dialog.querySelector(".confirm-text").textContent = confirmText;
  dialog.returnValue = "";
  dialog.showModal();
  dialog.querySelector("[data-do='confirmed']").onclick = () => dialog.close("yes");
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true });
  });
}

function stamped(input) {
  if (!input.value || !["date", "time", "datetime-local"].includes(input.type)) return input.value;
  const minutes = -new Date().getTimezoneOffset();
  const two = (value) => String(Math.trunc(Math.abs(value))).padStart(2, "0");
  return `${input.value.replace("T", " ")} ${minutes < 0 ? "-" : "+"}${two(minutes / 60)}${two(minutes % 60)}`;
}

function held(input) {
  if (input.type === "checkbox") return input.checked;
  if (input.multiple) return [...input.selectedOptions].map((one) => one.value);
  return stamped(input);
}

function formValue(form) {
  const value = {};
  for (const input of form.querySelectorAll("[data-input]")) {
    if (!input.name) continue;
    if (input.required && !input.value) {
      toast("warning", words.required);
      input.focus();
      return null;
    }
    value[input.name] = held(input);
  }
  return value;
}

async function call(control, more = {}) {
  if (control.classList.contains("busy")) return;
  const { url, action: wired } = control.dataset; // as it is now: the card may change while the person is asked
  const message = control.closest("[data-message-id]").dataset.messageId;
  if (!(await ask(control))) return;
  if (url) window.open(url, "_blank", "noopener");
  if (!wired) return;
  const action = { ...JSON.parse(wired), ...more, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone };
  control.classList.add("busy");
  control.setAttribute("aria-busy", "true");
  const told = await post("click", { message_id: message, action });
  control.classList.remove("busy");
  control.removeAttribute("aria-busy");
  if (told?.toast) toast(told.toast.type, told.toast.content);
}

function press(control) {
  const form = control.closest("form.card-form");
  if (control.dataset.form === "reset") return form.reset();
  if (control.dataset.option !== undefined) {
    control.closest("details").open = false;
    return call(control, { option: control.dataset.option });
  }
  if (control.dataset.form === "submit") {
    const value = formValue(form);
    return value && call(control, { form_value: value });
  }
  return call(control);
}

export function startCards() {
  list.addEventListener("click", (event) => {
    const control = event.target.closest("[data-action], [data-url], [data-form]");
    if (control?.matches("button, [role='button']") && !control.hasAttribute("disabled")) press(control);
  });
  list.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const control = event.target;
    if (control.matches("[role='button'][data-testid='card-button']") && ["Enter", " "].includes(event.key)) {
      event.preventDefault();
      press(control);
    }
    if (event.key === "Enter" && control.matches("input[data-input='input_value'][data-action]")) {
      call(control, { input_value: control.value });
    }
  });
  list.addEventListener("input", (event) => { if (event.target.dataset.input) event.target.dataset.dirty = "1"; });
  list.addEventListener("change", (event) => {
    const { input, action } = event.target.dataset;
    if (action && input && input !== "input_value") call(event.target, { [input]: held(event.target) });
  });
  list.addEventListener("submit", (event) => event.preventDefault());
}
