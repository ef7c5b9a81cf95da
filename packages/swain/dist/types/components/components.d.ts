import { SwainConflict } from "./conflict.js";
import { SwainInbox } from "./inbox.js";
import { SwainPresence } from "./presence.js";
export { SwainConflict, SwainInbox, SwainPresence };
declare global {
    interface HTMLElementTagNameMap {
        "swain-conflict": SwainConflict;
        "swain-inbox": SwainInbox;
        "swain-presence": SwainPresence;
    }
}
