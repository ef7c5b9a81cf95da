/** RFC 9562 version 7: sortable by time. `random` gives numbers in [0, 1). */
export declare function uuidV7(nowMs: number, random: () => number): string;
