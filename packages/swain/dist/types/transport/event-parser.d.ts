export interface ServerEvent {
    readonly name: string;
    readonly data: string;
}
/** Reads `text/event-stream` in pieces of any size, as the HTML standard says; ids and retry times are not used. */
export declare class EventParser {
    #private;
    constructor(event: (event: ServerEvent) => void);
    /** Throws when an event grows beyond what a frame may be. */
    push(text: string): void;
}
