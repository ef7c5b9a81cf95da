import { client, stateOf } from "/data.js";
import { h } from "/render.js";

/** A small mark on a row whose change the server has not confirmed yet, or has refused. */
export function mark(table, row) {
  switch (stateOf(table, row)) {
    case "pending": {
      const isOnline = client.status.getSnapshot().state === "live";
      return h(
        "span",
        { key: "mark", class: "mark", "data-testid": "row-mark" },
        isOnline ? "sending" : "not sent yet",
      );
    }
    case "refused":
      return h("span", { key: "mark", class: "mark refused", "data-testid": "row-mark" }, "change refused");
    default:
      return null;
  }
}
