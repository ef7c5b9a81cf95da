import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { openDB } from "idb";
import { expect, it } from "vitest";
import { blocksBefore } from "../src/engine/temporary";
import { IdbStore } from "../src/store/idb-store";
import { spec } from "./spec";

interface Dump {
  readonly name: string;
  readonly stores: Record<string, readonly { readonly key: IDBValidKey; readonly value: unknown }[]>;
}

const path = new URL("../../../fixtures/v0.1.0/browser-store.json", import.meta.url);

/** Puts a browser's stores back as 0.1.0 left them. */
async function restore(dump: Dump): Promise<void> {
  const db = await openDB(dump.name, 1, {
    upgrade(made) {
      made.createObjectStore("meta");
      made.createObjectStore("rows", { keyPath: ["table", "keyText"] });
      made.createObjectStore("staging", { keyPath: ["table", "keyText"] });
      made.createObjectStore("outbox", { keyPath: "n" }).createIndex("uid", "uid", { unique: true });
    },
  });
  for (const [table, rows] of Object.entries(dump.stores)) {
    const tx = db.transaction(table, "readwrite");
    await tx.store.clear();
    for (const { key, value } of rows) await tx.store.put(value, tx.store.keyPath === null ? key : undefined);
    await tx.done;
  }
  db.close();
}

it("takes over a browser store of 0.1.0 with its unsent edits", async () => {
  spec("C2", "C15");
  const dump = JSON.parse(readFileSync(path, "utf8")) as Dump;
  await restore(dump);

  const store = new IdbStore(dump.name, () => "another device");
  const stored = await store.read();

  expect(stored.meta).toMatchObject({ lastN: 5, acked: 3 });
  expect(stored.aliases).toEqual([]);
  expect(await store.reserve()).toBe(blocksBefore(stored.meta.device) + 1);
  expect(stored.rows.filter((held) => held.table === "games")).toHaveLength(5);
  const kinds = stored.outbox.map((entry) => entry.state.kind);
  expect(kinds.filter((kind) => kind === "pending")).toHaveLength(2);
  expect(kinds.filter((kind) => kind === "refused")).toHaveLength(1);
});
