import type { Entry, Result } from "../engine/entry.js";
/** What a call that changes something returns. Nobody has to await anything of it. */
export interface Mutation {
    /** The number on this device, as soon as it is saved. */
    readonly n: number | undefined;
    /** C2: durable on this device. Rejects with `quota_exceeded` or `storage_failed`; then the change is undone. */
    readonly saved: Promise<void>;
    /** C4: acknowledged, and visible to everybody. Rejects with the server's code when it was refused. */
    readonly synced: Promise<Result>;
}
/** The promises of this tab's mutations, whatever tab pushes them. */
export declare class Settlements {
    #private;
    mutation(uid: string, saving: Promise<Entry>): Mutation;
    handle(entries: readonly Entry[]): void;
}
