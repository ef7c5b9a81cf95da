import { SwainConflict } from "./conflict.js";
import { SwainInbox } from "./inbox.js";

export { SwainConflict, SwainInbox };

/** Importing this file defines the elements, once. */
for (const [name, made] of [
  ["swain-conflict", SwainConflict],
  ["swain-inbox", SwainInbox],
] as const) {
  if (customElements.get(name) === undefined) customElements.define(name, made);
}

declare global {
  interface HTMLElementTagNameMap {
    "swain-conflict": SwainConflict;
    "swain-inbox": SwainInbox;
  }
}
