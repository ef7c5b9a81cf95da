import type { Other, Room } from "../presence/presence.js";
/** Who somebody is, for people. */
export type Describe = (other: Other) => string;
/** Those who are in `room` besides this tab, as circles with initials; who comes and goes is read out. */
export declare class SwainPresence extends HTMLElement {
    #private;
    constructor();
    get room(): Room | null;
    /** Whoever joined the room leaves it, too. */
    set room(room: Room | null);
    get describe(): Describe;
    set describe(describe: Describe);
    connectedCallback(): void;
    disconnectedCallback(): void;
}
