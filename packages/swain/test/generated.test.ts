// What `swain types` writes is strict TypeScript and fits the client. The Rust test `beginning` writes the same file.

import { expect, expectTypeOf, test } from "vitest";
import { type Client, createClient } from "../src/index.js";
import type { Notes, NotesInsert, NotesKey, ProjectMembersKey, Tables } from "./generated/tables.js";

/** Never called: the type checker reads it. */
function use(client: Client): void {
  const note: NotesInsert = { title: "required" };
  // @ts-expect-error a required column is missing
  const untitled: NotesInsert = { done: true };
  // @ts-expect-error the server fills it
  const owned: NotesInsert = { title: "x", owner: "ada" };
  client.table<Notes>("notes").insert(note);
  client.table<Notes>("notes").update("n1", { done: true });
  const titles: string[] = client
    .query<Notes>("notes")
    .getSnapshot()
    .map((row) => row.title);
  void [untitled, owned, titles];
}

test("generated types fit the client", () => {
  expectTypeOf<NotesKey>().toEqualTypeOf<string>();
  expectTypeOf<ProjectMembersKey>().toEqualTypeOf<readonly [number, string]>();
  expectTypeOf<Tables["notes"]["row"]["size"]>().toEqualTypeOf<number | null>();
  expect(typeof use).toBe("function");
  expect(typeof createClient).toBe("function");
});
