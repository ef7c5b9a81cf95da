import { type ReactNode } from "react";
import type { User } from "../auth/auth.js";
import type { Client } from "../client/client.js";
import type { InboxItem } from "../client/inbox.js";
import type { Mutation } from "../client/settlements.js";
import type { Watchable } from "../client/signal.js";
import { type DeadLetter, type Status } from "../client/status.js";
import type { KeyInput } from "../client/table.js";
import type { Row } from "../engine/schema.js";
import type { Selection } from "../engine/select.js";
import { type Other, type Room, type Scope } from "../presence/presence.js";
export interface SwainProviderProps {
    readonly client: Client;
    /** An error of `client.start()`, like `store_newer`. */
    readonly onError?: (error: unknown) => void;
    readonly children?: ReactNode;
}
/** Gives the client to the hooks below it, and starts it in the browser. Whoever made the client closes it. */
export declare function SwainProvider({ client, onError, children }: SwainProviderProps): ReactNode;
export declare function useClient(): Client;
/**
 * The rows of a query, live. The selection is compared by its content, so it may be written in place; a predicate is
 * taken anew when one of `deps` is another.
 */
export declare function useQuery<T extends object = Row>(table: string, selection?: Selection, deps?: readonly unknown[]): readonly T[];
/** One row, live; undefined while it is not here. */
export declare function useRow<T extends object = Row>(table: string, key: KeyInput): T | undefined;
export interface MutationState {
    /** Saving: not durable on this device yet. Saved: on its way. Refused: by the server, or never saved. */
    readonly kind: "idle" | "saving" | "saved" | "synced" | "refused";
    /** Of a refusal: a SwainError with `code` and `detail`. */
    readonly error: unknown;
}
/** An edit and what became of its last call. The edit itself shows at once in every query. */
export declare function useMutation<A extends readonly unknown[]>(change: (client: Client, ...args: A) => Mutation): readonly [run: (...args: A) => Mutation, state: MutationState];
export declare function useStatus(): Status;
/** Refused edits of this device. */
export declare function useRefused(): readonly DeadLetter[];
/** What waits for this person: conflicts and refusals. Decided by `client.inbox`. */
export declare function useInbox(): readonly InboxItem[];
/**
 * Who else is in a room, which this component is in as long as it is shown. `mine`: where this tab is and what else the
 * others shall know, compared by its content; a component that only looks leaves it out.
 */
export declare function usePresence(table: string, scope?: Scope, mine?: Parameters<Room["set"]>[0]): readonly Other[];
export declare function useUser(): User | null;
/** Anything with `subscribe` and `getSnapshot`. `first`: what a server renders, which knows no device. */
export declare function useWatchable<T>({ subscribe, getSnapshot }: Watchable<T>, first: T): T;
