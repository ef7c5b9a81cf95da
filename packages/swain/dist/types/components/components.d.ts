import { SwainConflict } from "./conflict.js";
import { SwainInbox } from "./inbox.js";
export { SwainConflict, SwainInbox };
declare global {
    interface HTMLElementTagNameMap {
        "swain-conflict": SwainConflict;
        "swain-inbox": SwainInbox;
    }
}
