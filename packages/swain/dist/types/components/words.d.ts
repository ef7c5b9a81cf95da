import type { Conflict, RefusedEdit } from "../client/inbox.js";
import type { Json } from "../engine/json.js";
/** Who somebody is, for people; by default the id. */
export type Names = (user: string) => string;
export declare function shown(value: Json): string | null;
/** Who wrote the value that waits, and who the one that the row had. */
export declare function people(conflict: Conflict, names: Names, user: string | null): {
    mine: string;
    theirs: string;
};
export declare function when(at: number | null): string;
export declare function capital(text: string): string;
/** What an edit wanted, in a few words. */
export declare function wish({ ops }: RefusedEdit): string;
/** The value of what a person typed, of the type that the other values have; undefined when it is none. */
export declare function typed(text: string, like: readonly Json[]): Json | undefined;
