import type { Conflict, RefusedEdit } from "../client/inbox.js";
import type { Json } from "../engine/json.js";

/** Who somebody is, for people; by default the id. */
export type Names = (user: string) => string;

export function shown(value: Json): string | null {
  if (value === null || value === "") return null;
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** Who wrote the value that waits, and who the one that the row had. */
export function people(conflict: Conflict, names: Names, user: string | null): { mine: string; theirs: string } {
  const name = (id: string | null, other: string): string => {
    if (id === null) return other;
    return id === user ? "you" : names(id);
  };
  return {
    mine: name(conflict.mineBy, "a visitor"),
    theirs: name(conflict.theirsBy, conflict.theirsName ?? "another program"),
  };
}

export function when(at: number | null): string {
  if (at === null) return "";
  return new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What an edit wanted, in a few words. */
export function wish({ ops }: RefusedEdit): string {
  const [first] = ops;
  if (first === undefined) return "a change";
  const [verb, { table }] = Object.entries(first)[0] as [string, { readonly table: string }];
  return `${VERBS[verb] ?? verb} ${table}`;
}

const VERBS: Readonly<Record<string, string>> = {
  insert: "new row in",
  update: "change in",
  upsert: "change in",
  delete: "deleting a row of",
};

/** The value of what a person typed, of the type that the other values have; undefined when it is none. */
export function typed(text: string, like: readonly Json[]): Json | undefined {
  if (like.every((value) => value === null || typeof value === "string")) return text;
  try {
    const value = JSON.parse(text) as Json;
    const types = new Set(like.filter((one) => one !== null).map((one) => typeof one));
    return types.has(typeof value) ? value : undefined;
  } catch {
    return undefined;
  }
}
