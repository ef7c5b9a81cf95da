import type { Row, TableSchema } from "../engine/schema.js";
/** What an application keeps in columns of type time; on the way it is ISO text. */
export type Times = "date" | "text";
/** A row of the application's own making. */
export type LocalRow = Readonly<Record<string, unknown>>;
/** What goes up. Members that JSON does not know become what their columns hold; undefined is null. */
export declare function toColumns(row: LocalRow): Row;
/** What comes down, over what the application keeps beside the columns. */
export declare function toLocal(row: Row, table: TableSchema, before: LocalRow | undefined, times: Times): LocalRow;
/** The columns in which two rows differ, with the values of the second. */
export declare function difference(before: LocalRow, after: LocalRow): Row;
