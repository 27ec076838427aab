// The pane of raw frames and API calls: shown or not, filtered, newest last.

const MOST = 400;
const rows = document.getElementById("rows");
const search = document.getElementById("raw-search");
const switches = [...document.querySelectorAll("[data-do='raw-group']")];
let cleared = 0;

function filter(items) {
  const wanted = search.value.trim().toLowerCase();
  const groups = new Set(switches.filter((one) => one.ariaPressed === "true").map((one) => one.dataset.group));
  for (const row of items) {
    row.hidden = !groups.has(row.dataset.group) || (wanted !== "" && !row.textContent.toLowerCase().includes(wanted));
  }
}

export function showRows(fragment, all) {
  const items = [...fragment.children].filter((one) => Number(one.dataset.seq) > cleared);
  filter(items);
  const follow = rows.scrollHeight - rows.scrollTop - rows.clientHeight < 60;
  if (all) {
    const opened = new Set([...rows.querySelectorAll("details[open]")].map((one) => one.parentElement.dataset.seq));
    for (const row of items) if (opened.has(row.dataset.seq)) row.firstElementChild.open = true;
    rows.replaceChildren(...items);
  } else {
    rows.append(...items);
  }
  while (rows.children.length > MOST) rows.firstElementChild.remove();
  if (follow) rows.scrollTop = rows.scrollHeight;
}

function toggle() {
  const open = document.body.classList.toggle("pane-open");
  document.cookie = `sandbox_pane=${open ? "open" : "closed"}; path=/; SameSite=Lax; max-age=31536000`;
  document.querySelector(".pane-toggle").ariaExpanded = String(open);
  if (open) {
    rows.scrollTop = rows.scrollHeight;
    const first = matchMedia("(hover: none)").matches ? document.querySelector(".pane-head button") : search; // no keyboard on phones
    first.focus({ preventScroll: true });
  } else {
    document.querySelector(".pane-toggle").focus();
  }
}

export function startPane() {
  for (const button of document.querySelectorAll("[data-do='pane']")) button.addEventListener("click", toggle);
  for (const one of switches) {
    one.addEventListener("click", () => {
      one.ariaPressed = String(one.ariaPressed !== "true");
      filter(rows.children);
    });
  }
  search.addEventListener("input", () => filter(rows.children));
  document.querySelector("[data-do='raw-clear']").addEventListener("click", () => {
    cleared = Math.max(cleared, ...[...rows.children].map((one) => Number(one.dataset.seq)));
    rows.replaceChildren();
  });
  filter(rows.children);
  rows.scrollTop = rows.scrollHeight;
}
