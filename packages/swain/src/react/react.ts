import {
  createContext,
  createElement,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import type { User } from "../auth/auth.js";
import type { Client } from "../client/client.js";
import type { InboxItem } from "../client/inbox.js";
import type { Mutation } from "../client/settlements.js";
import type { Watchable } from "../client/signal.js";
import { type DeadLetter, NO_STATUS, type Status } from "../client/status.js";
import type { KeyInput } from "../client/table.js";
import type { Row } from "../engine/schema.js";
import type { Selection } from "../engine/select.js";
import { joinRoom, type Other, type Room, type Scope } from "../presence/presence.js";

const ClientContext = createContext<Client | null>(null);

export interface SwainProviderProps {
  readonly client: Client;
  /** An error of `client.start()`, like `store_newer`. */
  readonly onError?: (error: unknown) => void;
  readonly children?: ReactNode;
}

/** Gives the client to the hooks below it, and starts it in the browser. Whoever made the client closes it. */
export function SwainProvider({ client, onError, children }: SwainProviderProps): ReactNode {
  const heard = useRef(onError);
  heard.current = onError;
  useEffect(() => {
    client.start().catch((error: unknown) => heard.current?.(error));
  }, [client]);
  return createElement(ClientContext, { value: client }, children);
}

export function useClient(): Client {
  const client = useContext(ClientContext);
  if (client === null) throw new Error("Swain's hooks need a SwainProvider above them.");
  return client;
}

/** What the server renders, and so the browser's first picture, too: rows come after. */
const NOTHING: readonly never[] = [];

/**
 * The rows of a query, live. The selection is compared by its content, so it may be written in place; a predicate is
 * taken anew when one of `deps` is another.
 */
export function useQuery<T extends object = Row>(
  table: string,
  selection: Selection = {},
  deps: readonly unknown[] = NOTHING,
): readonly T[] {
  const client = useClient();
  // A function leaves no trace in JSON, which is what `deps` is for.
  const text = JSON.stringify(selection);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `text` and `deps` stand for the selection.
  const query = useMemo(() => client.query<T>(table, selection), [client, table, text, ...deps]);
  return useWatchable(query, NOTHING);
}

/** One row, live; undefined while it is not here. */
export function useRow<T extends object = Row>(table: string, key: KeyInput): T | undefined {
  const client = useClient();
  const text = String(key);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `text` stands for the key, which may be an array.
  const row = useMemo(() => client.row<T>(table, key), [client, table, text]);
  return useWatchable(row, undefined);
}

export interface MutationState {
  /** Saving: not durable on this device yet. Saved: on its way. Refused: by the server, or never saved. */
  readonly kind: "idle" | "saving" | "saved" | "synced" | "refused";
  /** Of a refusal: a SwainError with `code` and `detail`. */
  readonly error: unknown;
}

const IDLE: MutationState = { kind: "idle", error: null };
const SAVED: MutationState = { kind: "saved", error: null };

/** An edit and what became of its last call. The edit itself shows at once in every query. */
export function useMutation<A extends readonly unknown[]>(
  change: (client: Client, ...args: A) => Mutation,
): readonly [run: (...args: A) => Mutation, state: MutationState] {
  const client = useClient();
  const [state, setState] = useState(IDLE);
  const latest = useRef<Mutation | null>(null);
  const current = useRef(change);
  current.current = change;
  const run = useCallback(
    (...args: A): Mutation => {
      const mutation = current.current(client, ...args);
      latest.current = mutation;
      const say = (kind: MutationState["kind"], error: unknown = null): void => {
        if (latest.current === mutation) setState({ kind, error });
      };
      say("saving");
      mutation.saved.then(
        // The server's answer may have been heard before.
        () => setState((state) => (latest.current === mutation && state.kind === "saving" ? SAVED : state)),
        () => undefined,
      );
      mutation.synced.then(
        () => say("synced"),
        (error: unknown) => say("refused", error),
      );
      return mutation;
    },
    [client],
  );
  return [run, state];
}

export function useStatus(): Status {
  return useWatchable(useClient().status, NO_STATUS);
}

/** Refused edits of this device. */
export function useRefused(): readonly DeadLetter[] {
  return useWatchable(useClient().refused, NOTHING);
}

/** What waits for this person: conflicts and refusals. Decided by `client.inbox`. */
export function useInbox(): readonly InboxItem[] {
  return useWatchable(useClient().inbox, NOTHING);
}

const NOBODY: Watchable<readonly never[]> = { subscribe: () => () => undefined, getSnapshot: () => NOTHING };

/**
 * Who else is in a room, which this component is in as long as it is shown. `mine`: where this tab is and what else the
 * others shall know, compared by its content; a component that only looks leaves it out.
 */
export function usePresence(table: string, scope: Scope = {}, mine?: Parameters<Room["set"]>[0]): readonly Other[] {
  const client = useClient();
  const [room, setRoom] = useState<Room | null>(null);
  const place = JSON.stringify(scope);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `place` stands for the scope.
  useEffect(() => {
    const joined = joinRoom(client, table, scope);
    setRoom(joined);
    return () => joined.leave();
  }, [client, table, place]);
  const said = JSON.stringify(mine);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `said` stands for `mine`.
  useEffect(() => {
    if (mine !== undefined) room?.set(mine);
  }, [room, said]);
  return useWatchable<readonly Other[]>(room?.others ?? NOBODY, NOTHING);
}

export function useUser(): User | null {
  return useWatchable(useClient().auth, null);
}

/** Anything with `subscribe` and `getSnapshot`. `first`: what a server renders, which knows no device. */
export function useWatchable<T>({ subscribe, getSnapshot }: Watchable<T>, first: T): T {
  return useSyncExternalStore(subscribe, getSnapshot, () => first);
}
