import type { Client } from "../client/client.js";
import type { Refusal } from "../client/inbox.js";
import type { Json } from "../engine/json.js";
import type { Operation } from "../engine/operation.js";
import { button, element, newId } from "./dom.js";
import { capital, shown, typed, when, wish } from "./words.js";

/** One refused edit, with those that were refused because of it: what was wanted, why not, and what becomes of it. */
export function refusalCard(refusal: Refusal, client: Client, fail: (error: unknown) => void): HTMLElement {
  const [first] = refusal.edits;
  const title = newId("refusal");
  const values = element("dl", { class: "versions" });
  for (const [column, value] of valuesOf(refusal)) {
    const text = shown(value);
    const body = text === null ? element("dd", { class: "none" }, "empty") : element("dd", {}, text);
    values.append(element("div", {}, element("dt", {}, capital(column)), body));
  }
  const others = refusal.edits.length - 1;
  const article = element(
    "article",
    { "aria-labelledby": title, "data-code": first?.code ?? "" },
    element("h3", { id: title }, `Not saved: ${first === undefined ? "a change" : wish(first)}`),
    element("p", { class: "bad" }, first?.message ?? ""),
    element("p", { class: "soft" }, when(first?.at ?? null)),
    others > 0 ? element("p", { class: "soft" }, `${others} more depend${others === 1 ? "s" : ""} on it.`) : null,
    values.childElementCount > 0 ? values : null,
  );
  article.append(choices(refusal, client, fail));
  return article;
}

function choices(refusal: Refusal, client: Client, fail: (error: unknown) => void): HTMLElement {
  const buttons = element("div", { class: "buttons" });
  const retry = (edit?: (ops: readonly Operation[]) => readonly Operation[]): void => {
    try {
      client.inbox.retry(refusal.id, edit).synced.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
  buttons.append(
    button("Try again", { class: "primary", "data-choice": "retry" }, () => retry()),
    button("Change and try again", { "data-choice": "edit" }, () => buttons.replaceWith(correction())),
    button("Discard", { "data-choice": "discard" }, () => void client.inbox.discard(refusal.id).catch(fail)),
  );
  const correction = (): HTMLElement => {
    const problem = element("p", { class: "bad", role: "alert" });
    const fields = valuesOf(refusal).map(([column, value]) => {
      const field = element("input", { name: column });
      field.value = shown(value) ?? "";
      return { column, value, field };
    });
    const form = element(
      "form",
      {},
      ...fields.map(({ column, field }) => element("label", {}, capital(column), field)),
    );
    form.append(
      problem,
      element(
        "div",
        { class: "buttons" },
        element("button", { class: "primary" }, "Save"),
        button("Cancel", {}, () => form.replaceWith(buttons)),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const changed = new Map<string, Json>();
      for (const { column, value, field } of fields) {
        const now = typed(field.value, [value]);
        if (now === undefined) {
          problem.textContent = `${capital(column)} is not a value of the right kind.`;
          return;
        }
        if (field.value !== (shown(value) ?? "")) changed.set(column, now);
      }
      retry((ops) => ops.map((operation) => withValues(operation, changed)));
      form.replaceWith(buttons);
    });
    queueMicrotask(() => fields[0]?.field.focus());
    return form;
  };
  return buttons;
}

/** What was to be set, by column; of a column that is set twice, the last. */
function valuesOf(refusal: Refusal): readonly (readonly [string, Json])[] {
  const values = new Map<string, Json>();
  for (const operation of refusal.edits.flatMap(({ ops }) => ops)) {
    for (const [column, value] of Object.entries(setOf(operation))) values.set(column, value);
  }
  return [...values];
}

function setOf(operation: Operation): Readonly<Record<string, Json>> {
  if ("insert" in operation) return operation.insert.set;
  if ("upsert" in operation) return operation.upsert.set;
  return "update" in operation ? (operation.update.set ?? {}) : {};
}

function withValues(operation: Operation, values: ReadonlyMap<string, Json>): Operation {
  const set = Object.fromEntries(
    Object.entries(setOf(operation)).map(([column, value]) => [column, values.get(column) ?? value]),
  );
  if ("insert" in operation) return { insert: { ...operation.insert, set } };
  if ("upsert" in operation) return { upsert: { ...operation.upsert, set } };
  return "update" in operation && operation.update.set !== undefined
    ? { update: { ...operation.update, set } }
    : operation;
}
