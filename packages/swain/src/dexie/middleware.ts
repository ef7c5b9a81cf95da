import {
  type DBCore,
  type DBCoreMutateRequest,
  type DBCoreMutateResponse,
  type DBCoreQueryRequest,
  type DBCoreTable,
  type DBCoreTransaction,
  Dexie,
} from "dexie";
import { JOURNAL, type JournalEntry, type RowKey } from "./journal.js";
import { difference, type LocalRow, toColumns } from "./values.js";

/** What the middleware asks of the rest of the add-on. */
export interface Sync {
  /** Whether the table's changes go to the server. */
  isSynced(table: string): boolean;
  /** Whether the changes of this transaction are written down; the add-on's own are not. */
  isWatched(trans: DBCoreTransaction): boolean;
  /** A key for a new row of a counted table. */
  newKey(table: string): RowKey;
  /** The key by which a row is known now. */
  resolve(table: string, key: unknown): unknown;
  /** The table whose rows a column names, if it names any. */
  named(table: string, column: string): string | null;
  user(): string | null;
  /** A transaction with changes has ended well. */
  committed(): void;
}

/** Writes each change of a synced table into the journal, in the transaction that makes it. */
export function middleware(core: DBCore, sync: Sync): DBCore {
  const journal = (): DBCoreTable => core.table(JOURNAL);
  const uids = new WeakMap<DBCoreTransaction, string>();
  const uidOf = (trans: DBCoreTransaction): string => {
    const known = uids.get(trans) ?? crypto.randomUUID();
    if (!uids.has(trans)) {
      uids.set(trans, known);
      (trans as unknown as IDBTransaction).addEventListener("complete", () => sync.committed());
    }
    return known;
  };
  return {
    ...core,
    transaction: (stores, mode, options) => {
      const isWatched = mode === "readwrite" && stores.some((store) => sync.isSynced(store));
      const all = isWatched && !stores.includes(JOURNAL) ? [...stores, JOURNAL] : stores;
      return core.transaction(all, mode, options);
    },
    table: (name) => {
      const table = core.table(name);
      if (name === JOURNAL) return table;
      const resolve = (trans: DBCoreTransaction, key: unknown): unknown =>
        sync.isWatched(trans) ? sync.resolve(name, key) : key;
      return {
        ...table,
        get: (request) => table.get({ ...request, key: resolve(request.trans, request.key) }),
        getMany: (request) =>
          table.getMany({ ...request, keys: request.keys.map((key: unknown) => resolve(request.trans, key)) }),
        query: (request) => table.query(resolvedQuery(sync, name, request)),
        count: (request) => table.count(resolvedQuery(sync, name, request)),
        // Chains and no await: only Dexie's own promises keep the transaction that Dexie looks for.
        mutate: (given) => {
          if (!sync.isSynced(name) || !sync.isWatched(given.trans)) return table.mutate(given);
          const request = keyed(sync, table, given);
          const { trans } = request;
          const entry = { uid: uidOf(trans), user: sync.user(), table: name };
          return rowsBefore(table, request).then((before) =>
            table.mutate(request).then((response) => {
              const values = changesOf(request, response, before).map((change) => ({ ...entry, ...change }));
              if (values.length === 0) return response;
              return journal()
                .mutate({ type: "add", trans, values })
                .then(() => response);
            }),
          );
        },
      };
    },
  };
}

type Change = Pick<JournalEntry, "key" | "kind" | "set">;

/** New rows of a counted table get their key here, because another device counts the same numbers. */
function keyed(sync: Sync, table: DBCoreTable, request: DBCoreMutateRequest): DBCoreMutateRequest {
  const { primaryKey, name } = table.schema;
  if (request.type === "delete") return { ...request, keys: request.keys.map((key) => sync.resolve(name, key)) };
  if (request.type === "deleteRange") return request;
  if (primaryKey.autoIncrement !== true) return request;
  if (primaryKey.outbound === true) {
    const keys = request.values.map((_row, i) => sync.resolve(name, request.keys?.[i] ?? sync.newKey(name)));
    return { ...request, keys };
  }
  const path = String(primaryKey.keyPath);
  const values = request.values.map((row: LocalRow) => ({
    ...row,
    [path]: sync.resolve(name, row[path] ?? sync.newKey(name)),
  }));
  return { ...request, values };
}

/** The rows that a change replaces, by place; of a range, with their keys. */
function rowsBefore(table: DBCoreTable, request: DBCoreMutateRequest): Promise<readonly Before[]> {
  const { trans } = request;
  if (request.type === "deleteRange") {
    const query = { index: table.schema.primaryKey, range: request.range };
    return table
      .query({ trans, values: false, query })
      .then(({ result }) => result.map((key: RowKey) => ({ key, row: {} })));
  }
  const keys: RowKey[] =
    request.type === "delete"
      ? request.keys
      : request.values.map((row: unknown, i) => request.keys?.[i] ?? table.schema.primaryKey.extractKey?.(row));
  if (request.type === "add") {
    return Dexie.Promise.resolve(keys.map((key) => ({ key, row: undefined }))) as unknown as Promise<readonly Before[]>;
  }
  return table.getMany({ trans, keys }).then((rows) => keys.map((key, i) => ({ key, row: rows[i] })));
}

interface Before {
  readonly key: RowKey;
  readonly row: LocalRow | undefined;
}

function changesOf(
  request: DBCoreMutateRequest,
  { failures }: DBCoreMutateResponse,
  before: readonly Before[],
): readonly Change[] {
  return before.flatMap(({ key, row }, i): Change[] => {
    if (failures[i] !== undefined) return [];
    if (request.type === "delete" || request.type === "deleteRange") {
      return row === undefined ? [] : [{ key, kind: "delete", set: {} }];
    }
    const value: LocalRow = request.values[i];
    if (row === undefined) return [{ key, kind: "insert", set: toColumns(value) }];
    const set = difference(row, value);
    return Object.keys(set).length === 0 ? [] : [{ key, kind: "update", set }];
  });
}

/** `where("listId").equals(id)` goes on finding rows when the list has another id now. */
function resolvedQuery<R extends Pick<DBCoreQueryRequest, "query" | "trans">>(sync: Sync, name: string, request: R): R {
  const { index, range } = request.query;
  const isOne = range.lower !== undefined && range.lower === range.upper;
  if (!isOne || !sync.isWatched(request.trans) || typeof index.keyPath !== "string") return request;
  const named = index.isPrimaryKey === true ? name : sync.named(name, index.keyPath);
  if (named === null) return request;
  const key = sync.resolve(named, range.lower);
  if (key === range.lower) return request;
  return { ...request, query: { index, range: { ...range, lower: key, upper: key } } };
}
