// Talking to the server, and telling the person what came of it.

const { dataset } = document.body;

export const person = dataset.user;
export const chat = dataset.chat;
export const words = dataset;

export async function post(action, body) {
  let answer = {};
  let ok = false;
  try {
    const response = await fetch(`/sandbox/page/${action}`, body instanceof FormData ? { method: "POST", body } : {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user: person, chat, ...body }),
    });
    answer = await response.json();
    ok = response.ok;
  } catch {
    // no server, or no JSON: told below
  }
  if (!ok) toast("error", answer.error || words.notSent);
  return ok ? answer : null;
}

export function toast(kind, text, stay = 4000) {
  const box = document.createElement("div");
  box.className = `toast toast-${["success", "warning", "error"].includes(kind) ? kind : "info"}`;
  box.dataset.testid = "toast";
  box.dataset.kind = kind;
  box.textContent = text;
  document.getElementById("toasts").append(box);
  if (stay) setTimeout(() => box.remove(), stay);
  return box;
}
