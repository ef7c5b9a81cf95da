import { type User } from "../auth/auth.js";
import type { Change } from "../engine/batch.js";
import type { Indexes } from "../engine/index-rows.js";
import type { JsonObject } from "../engine/json.js";
import type { Operation } from "../engine/operation.js";
import { type PaceOptions } from "../engine/pace.js";
import { type RowState } from "../engine/replica.js";
import { type Row, type Schema } from "../engine/schema.js";
import type { Selection } from "../engine/select.js";
import { type Shape } from "../engine/shape.js";
import { type Environment } from "../environment.js";
import { type TransportOptions } from "../transport/choice.js";
import { Inbox } from "./inbox.js";
import { type Inspection } from "./inspection.js";
import { type Mutation } from "./settlements.js";
import { type Watchable } from "./signal.js";
import { type DeadLetter, type Status } from "./status.js";
import { type KeyInput, Table } from "./table.js";
export interface ClientOptions extends TransportOptions, PaceOptions {
    /** Of the server, like "https://example.org". Default: where the page came from. */
    readonly url?: string;
    /** P1: at most 64; what this device holds. */
    readonly shapes: readonly Shape[];
    /**
     * M15, M16: hold the inbox as well, so that `client.inbox` has what waits on other devices and for others. The server
     * has one when a table of its configuration says `inbox = true` or leaves something to a person.
     */
    readonly inbox?: boolean;
    /** Columns by table: a query that asks for a value of one looks at no other rows. */
    readonly indexes?: Indexes;
    /** C8: the first wait before a reconnect, ms. Default 1000. */
    readonly firstDelayMs?: number;
    /** C8: so many attempts in a row without an answer, and it waits for `resume()` or `sync()`. Default: no limit. */
    readonly attempts?: number;
    /** Keep nothing on the device. */
    readonly memory?: boolean;
    /** Hears every frame, choice of a transport and storage error, one line each; true: the console does. */
    readonly debug?: boolean | ((line: string) => void);
    /** For tests: replaces parts of what the page gives. */
    readonly environment?: Partial<Environment>;
}
export interface ClientAuth extends Watchable<User | null> {
    /** Both open that person's store. Reject with the server's code, or `offline`. */
    signup(input: {
        readonly email: string;
        readonly password: string;
        readonly name?: string;
    }): Promise<User>;
    login(input: {
        readonly email: string;
        readonly password: string;
    }): Promise<User>;
    /** Ends every other sign-in of this person. Rejects with `wrong_credentials`, or `offline`. */
    changePassword(input: {
        readonly current: string;
        readonly next: string;
    }): Promise<User>;
    /** A forgotten password: a mail with a link, if somebody has this address. */
    requestReset(email: string): Promise<void>;
    /** With the token of the link (`location.hash` is `#reset=TOKEN`): another password, signed in, everywhere else signed out. */
    resetPassword(input: {
        readonly token: string;
        readonly password: string;
    }): Promise<User>;
    /** With the token of a link (`#verify=TOKEN`): the address is verified. Without: a mail with such a link. */
    verify(token?: string): Promise<void>;
    /**
     * `unsent`: edits that stay on this device and are sent when the same person signs in again.
     * `everywhere`: on all devices of the person; rejects with `offline` when the server is not reached.
     */
    logout(options?: {
        readonly everywhere?: boolean;
    }): Promise<{
        readonly unsent: number;
    }>;
}
/** A live query. */
export interface Query<T> extends Watchable<readonly T[]> {
    /** The rows, once this run has caught up with the server. */
    fresh(): Promise<readonly T[]>;
}
/** See README.md; everything is synchronous that can be. */
export declare class Client {
    #private;
    readonly auth: ClientAuth;
    /** Conflicts and refusals that wait for this person. */
    readonly inbox: Inbox;
    /** What scripts beside this one keep of a client, by their names. */
    readonly addOns: Map<string, unknown>;
    constructor(options: ClientOptions);
    get status(): Watchable<Status>;
    get refused(): Watchable<readonly DeadLetter[]>;
    /** Resolves when what this device holds is visible, with or without a network. Rejects with `store_newer`. */
    start(): Promise<void>;
    table<T extends object = Row>(name: string): Table<T>;
    /**
     * Several operations as one mutation, all or nothing. `change` runs at once and must not be async.
     * `uid`: for what hands its edits over from a storage of its own; see `knows`.
     */
    group(change: () => void, uid?: string): Mutation;
    /** Whether the outbox has a mutation of this uid; acknowledged ones stay for a day. */
    knows(uid: string): boolean;
    /** What the server has said of its tables; null before the first connection. */
    get schema(): Schema | null;
    /** C19: a key for a new row of a table whose ids the server gives. */
    temporaryId(): number;
    query<T extends object = Row>(table: string, selection?: Selection): Query<T>;
    /** One row, live; undefined while it is not here. */
    row<T extends object = Row>(table: string, key: KeyInput): Watchable<T | undefined>;
    /** How many rows there are, live; a limit does not count. */
    count(table: string, where?: Selection["where"]): Watchable<number>;
    /** Resolves when this run has caught up with the server: what is shown is no longer old. */
    fresh(): Promise<void>;
    /**
     * C25: what this store holds from now on, in all its tabs. What no shape holds any longer leaves the screen at once
     * and the device when the server has answered; edits of it are sent all the same.
     */
    setShapes(shapes: readonly Shape[]): Promise<void>;
    rowState(table: string, key: KeyInput): RowState;
    /** C15: the same wish as a new mutation, based on what is visible now; `edit` may change its operations. */
    retry(n: number, edit?: (ops: readonly Operation[]) => readonly Operation[]): Promise<Mutation>;
    /** Gives a refused mutation up. */
    discard(n: number): Promise<void>;
    /** Pushes what waits and resolves when everything is current; rejects with `offline` when this attempt fails. */
    sync(): Promise<void>;
    /** The network cable of this store, whichever tab is connected. */
    pause(): void;
    resume(): void;
    /** C13: once per applied position, in order, and for local edits. */
    onChange(call: (change: Change) => void): () => void;
    /** P28: for `swain/presence`, which has the rooms. Lost while there is no stream. */
    say(body: JsonObject): void;
    /** P28: what the server tells of others, in any tab of the store. */
    onHeard(call: (body: JsonObject) => void): () => void;
    /** For a developer's panel: what this tab holds now. */
    inspect(): Inspection;
    /** For a developer's panel: the lines of `debug`, from now on. */
    onLine(call: (line: string) => void): () => void;
    /** Resolves when what was under way is on the device. */
    close(): Promise<void>;
}
export declare function createClient(options: ClientOptions): Client;
