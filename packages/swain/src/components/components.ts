import { SwainConflict } from "./conflict.js";
import { SwainInbox } from "./inbox.js";
import { SwainPresence } from "./presence.js";

export { SwainConflict, SwainInbox, SwainPresence };

/** Importing this file defines the elements, once. */
for (const [name, made] of [
  ["swain-conflict", SwainConflict],
  ["swain-inbox", SwainInbox],
  ["swain-presence", SwainPresence],
] as const) {
  if (customElements.get(name) === undefined) customElements.define(name, made);
}

declare global {
  interface HTMLElementTagNameMap {
    "swain-conflict": SwainConflict;
    "swain-inbox": SwainInbox;
    "swain-presence": SwainPresence;
  }
}
