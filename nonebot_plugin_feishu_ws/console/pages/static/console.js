// What htmx does not do. Every fragment put into a page was rendered, and escaped, by the server.

// A button that was pressed is not pressed twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "true";
  const button = event.submitter;
  if (button) {
    button.setAttribute("aria-busy", "true");
    button.title = document.body.dataset.working;
  }
});

// Pages that come back from the browser's memory may be pressed again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
});

// Filters apply when they are chosen; without scripts there is a button.
for (const filters of document.querySelectorAll("form.filters")) {
  filters.addEventListener("change", (event) => {
    if (event.target.matches("select")) filters.requestSubmit();
  });
}

// Whether the page is being kept up to date, and whether whoever reads it may still be here.
document.addEventListener("htmx:sseOpen", (event) => {
  if (event.target !== document.body) return;
  document.body.dataset.live = "on";
  event.detail.source.addEventListener("gone", () => location.assign(document.body.dataset.signIn));
});
document.addEventListener("htmx:sseError", (event) => {
  if (event.target === document.body) document.body.dataset.live = "off";
});

// A link carries its code behind the #, which browsers send to nobody: no log of a server or a proxy has it.
const withLink = document.getElementById("with-link");
if (withLink && location.hash.length > 1) {
  withLink.elements.link.value = location.hash.slice(1);
  document.getElementById("language").hash = location.hash;
  withLink.hidden = false;
  for (const other of document.querySelectorAll("main > section")) other.hidden = true;
  history.replaceState(null, "", location.pathname + location.search);
}

// What is wrong comes first: the field, or what is said at the top.
const wrong = document.querySelector("[aria-invalid='true']");
if (wrong) wrong.focus();
