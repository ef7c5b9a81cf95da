// Made by `swain types` from the database. Do not edit; make it again when the schema changes.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A row of `2nd table`. */
export interface Table2ndTable {
  json: Json;
  nr: number;
}

/** What `insert` takes for `2nd table`. */
export interface Table2ndTableInsert {
  json: Json;
  nr?: number;
}

/** What names a row of `2nd table`. */
export type Table2ndTableKey = number;

/** A row of `json`. */
export interface Json2 {
  id: number;
}

/** What `insert` takes for `json`. */
export interface Json2Insert {
  id?: number;
}

/** What names a row of `json`. */
export type Json2Key = number;

/** A row of `notes`. */
export interface Notes {
  at: string | null;
  body: string | null;
  done: boolean;
  extra: Json;
  id: string;
  readonly loud: string | null;
  readonly owner: string | null;
  price: string | null;
  size: number | null;
  title: string;
}

/** What `insert` takes for `notes`. */
export interface NotesInsert {
  at?: string | null;
  body?: string | null;
  done?: boolean;
  extra?: Json;
  id?: string;
  price?: string | null;
  size?: number | null;
  title: string;
}

/** What names a row of `notes`. */
export type NotesKey = string;

/** A row of `project_members`. */
export interface ProjectMembers {
  "joined on": string;
  project: number;
  user: string;
}

/** What `insert` takes for `project_members`. */
export interface ProjectMembersInsert {
  "joined on": string;
  project: number;
  user?: string;
}

/** What names a row of `project_members`. */
export type ProjectMembersKey = readonly [number, string];

/** Every table by its name. */
export interface Tables {
  readonly "2nd table": { row: Table2ndTable; insert: Table2ndTableInsert; key: Table2ndTableKey };
  readonly json: { row: Json2; insert: Json2Insert; key: Json2Key };
  readonly notes: { row: Notes; insert: NotesInsert; key: NotesKey };
  readonly project_members: { row: ProjectMembers; insert: ProjectMembersInsert; key: ProjectMembersKey };
}
