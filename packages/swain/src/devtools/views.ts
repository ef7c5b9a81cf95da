import type { Client } from "../client/client.js";
import type { Inspection } from "../client/inspection.js";
import type { Entry } from "../engine/entry.js";
import type { Operation } from "../engine/operation.js";
import { counted, element, table, timeOf } from "./element.js";

/** What waits and what became of it. */
export function outboxView({ outbox, acked }: Inspection): HTMLElement {
  const rows = outbox.map((entry) => [
    element("span", {}, entry.n === null ? "…" : String(entry.n)),
    element("span", { class: `state ${stateOf(entry)}` }, stateOf(entry), element("time", {}, timeOf(entry.at))),
    element("span", {}, ...entry.ops.map((operation) => element("code", { class: "line" }, textOf(operation)))),
  ]);
  const head = element("p", { class: "facts" }, `acknowledged through ${acked}`);
  return element("div", {}, head, table(["n", "state", "operations"], rows, "The outbox is empty."));
}

/** What this device holds, and how far it has got. */
export function shapesView({ shapes, mark, device, schema }: Inspection): HTMLElement {
  const rows = shapes.map(({ shape, rows: count, staged }) => [
    element("code", {}, shape.table),
    element("code", {}, shape.where === undefined ? "all" : JSON.stringify(shape.where)),
    String(count),
    staged === 0 ? "" : `${staged} loading`,
  ]);
  const facts: readonly (readonly [string, string])[] = [
    ["position", mark === null ? "none yet" : String(mark.pos)],
    ["epoch", mark?.epoch ?? "none yet"],
    ["cursor", mark?.cursor ?? "none yet"],
    ["device", device],
    ["schema", schema === null ? "none yet" : `version ${schema}`],
  ];
  const list = facts.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, element("code", {}, text))]);
  return element("div", {}, table(["table", "where", "rows", ""], rows, "No shapes."), element("dl", {}, ...list));
}

/** Rows beyond are not shown; the application's own page is the place for them. */
const ROWS_MAX = 50;

/** Visible rows of one table, as a query of the application sees them. */
export function rowsView(client: Client, name: string): HTMLElement {
  const rows = client.query(name, { limit: ROWS_MAX }).getSnapshot();
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => columns.map((column) => element("code", {}, valueText(row[column]))));
  const note = rows.length < ROWS_MAX ? counted(rows.length, "row") : `the first ${ROWS_MAX} rows`;
  const empty = "No rows on this device.";
  return element("div", {}, element("p", { class: "facts" }, note), table(columns, cells, empty));
}

function stateOf(entry: Entry): string {
  if (entry.n === null) return "saving";
  if (entry.state.kind === "refused") return `refused ${entry.state.result.code ?? ""}`.trim();
  return entry.state.kind === "acked" ? (entry.state.result?.status ?? "acknowledged") : "pending";
}

function textOf(operation: Operation): string {
  if ("insert" in operation) return `insert ${operation.insert.table} ${valueText(operation.insert.set)}`;
  if ("delete" in operation) return `delete ${operation.delete.table} ${keyText(operation.delete.key)}`;
  if ("upsert" in operation) {
    const { table: name, on, set } = operation.upsert;
    return `upsert ${name} by ${on.join(", ")} ${valueText(set)}`;
  }
  const { table: name, key, was: _, ...changes } = operation.update;
  const parts = Object.entries(changes).map(([how, what]) => `${how === "set" ? "" : `${how} `}${valueText(what)}`);
  return `update ${name} ${keyText(key)} ${parts.join(" ")}`;
}

function keyText(key: readonly unknown[]): string {
  return key.map((part) => String(part)).join("/");
}

function valueText(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
