// The script that `swain dev` puts into pages: /swain-devtools.js. It knows a client only by what the page shows it.

import type { Client } from "../client/client.js";
import { Panel } from "./panel.js";
import { reloadOnSave } from "./reload.js";

const panel = new Panel();
window.addEventListener("swain:client", (event) => {
  if (event instanceof CustomEvent) panel.add(event.detail as Client);
});
// Clients that are older than this script answer.
window.dispatchEvent(new Event("swain:devtools"));
reloadOnSave((problem) => panel.tell(problem));
