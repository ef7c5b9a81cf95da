import { type ConnectionEvents } from "./transport.js";
/** What an HTTP answer that is none of success says to a connection. */
export interface Refusal {
    /** From the server itself; null: what answered is something in between. */
    readonly code: string | null;
    readonly status: number;
    /** The frames that stand for it, before the close. */
    readonly frames: readonly string[];
    /** P15: as WebSocket would close. */
    readonly close: number;
}
/** P20: reads the whole answer; one without problem details is not from a Swain server and means nothing. */
export declare function refusalOf(response: Response): Promise<Refusal>;
export declare function tell(events: ConnectionEvents, refusal: Refusal): void;
