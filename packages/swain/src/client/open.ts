import type { Indexes } from "../engine/index-rows.js";
import type { Pace } from "../engine/pace.js";
import type { Reconnect } from "../engine/session.js";
import type { Shape } from "../engine/shape.js";
import type { Environment } from "../environment.js";
import { SwainError } from "../error.js";
import { IdbStore } from "../store/idb-store.js";
import { MemoryStore } from "../store/memory-store.js";
import { type Store, StoreError } from "../store/store.js";
import { Tab, type TabEvents, type TabParts } from "../tabs/tab.js";
import type { Transport } from "../transport/transport.js";

export interface OpenOptions {
  readonly environment: Environment;
  readonly origin: string;
  /** Null: signed out. */
  readonly userId: string | null;
  readonly memory: boolean;
  readonly shapes: readonly Shape[];
  readonly indexes: Indexes;
  readonly reconnect: Reconnect;
  readonly pace: Pace;
  readonly transport: Transport;
  /** Opening waits for a page of an older version. */
  blocked(): void;
  token(fresh: boolean): Promise<string | null>;
  debug(line: string): void;
}

/** C11: the store of one (server, user). Without IndexedDB, or without locks to share it safely, it is in memory. */
export async function openTab(options: OpenOptions, events: TabEvents): Promise<Tab> {
  const { environment, origin, userId } = options;
  const name = `${origin}:${userId === null ? "visitor" : `user:${userId}`}`;
  const { hasIndexedDB, locks, channel } = environment;
  if (!options.memory && hasIndexedDB && locks !== null && channel !== null) {
    const store = new IdbStore(`swain:${name}`, () => environment.uuid(), options.blocked);
    try {
      return await Tab.open(parts(options, name, store, "shared"), events);
    } catch (error) {
      store.close();
      if (error instanceof StoreError && error.kind === "newer") {
        throw new SwainError("store_newer", "A newer version of this page has the data. Reload the page.", null, error);
      }
      options.debug(`no storage, in memory instead: ${String(error)}`);
    }
  }
  return Tab.open(parts(options, name, new MemoryStore(environment.uuid()), "alone"), events);
}

function parts(options: OpenOptions, name: string, store: Store, sharing: TabParts["sharing"]): TabParts {
  const { userId: _user, memory: _memory, blocked: _blocked, ...same } = options;
  return { ...same, name, store, sharing };
}
