// The page's behaviour. Every fragment put into the page was rendered, and escaped, by the server.

import { startCards } from "./cards.js";
import { startComposer } from "./composer.js";
import { startLive } from "./live.js";
import { startMessages } from "./messages.js";
import { startPane } from "./pane.js";

for (const button of document.querySelectorAll("[data-open]")) {
  button.addEventListener("click", () => document.getElementById(button.dataset.open).showModal());
}
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-do='close']")) dialog.close();
  });
}
document.getElementById("created")?.showModal();

startMessages();
startCards();
startComposer();
startPane();
startLive();
