// @vitest-environment happy-dom
import "fake-indexeddb/auto";
import { createElement, type ReactNode, StrictMode, useState } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Client, createClient } from "../src/index";
import { SwainProvider, useQuery, useStatus, useUser } from "../src/react/react";
import { Browser, FakePage } from "./fake-page";
import { FakeServer } from "./fake-server";

let server: FakeServer;
let client: Client;

beforeEach(() => {
  server = new FakeServer();
  for (const [id, score] of [
    ["g1", 1],
    ["g2", 2],
    ["g3", 3],
  ] as const) {
    server.rows.set(JSON.stringify([id]), { id, title: id, score, tags: null });
  }
  const environment = { ...new Browser().tab(server, new FakePage()), hasIndexedDB: false };
  client = createClient({ url: "https://swain.test", shapes: [{ table: "games" }], environment });
  document.body.replaceChildren();
});
afterEach(() => client.close());

function Page({ from = 0 }: { readonly from?: number }): ReactNode {
  const rows = useQuery("games", { where: (row) => Number(row.score) > from }, [from]);
  const first = useQuery("games", { where: { id: "g1" }, limit: 1 });
  const { state } = useStatus();
  const user = useUser();
  return createElement("p", null, [state, user?.id ?? "nobody", rows.length, first.length].join(" "));
}

function provided(page: ReactNode): ReactNode {
  return createElement(StrictMode, null, createElement(SwainProvider, { client }, page));
}

it("renders on a server without starting anything, and the browser goes on from there", async () => {
  const html = renderToString(provided(createElement(Page)));
  expect(html).toBe("<p>offline nobody 0 0</p>");
  expect(server.sessions.size).toBe(0);
  document.body.innerHTML = html;
  const complaints = vi.spyOn(console, "error");
  const root = hydrateRoot(document.body, provided(createElement(Page)));
  await vi.waitFor(() => expect(document.body.textContent).toBe("live nobody 3 1"));
  expect(complaints).not.toHaveBeenCalled();
  root.unmount();
});

it("keeps a query while its selection says the same, and takes a predicate anew with its deps", async () => {
  const made = vi.spyOn(client, "query");
  let show: (from: number) => void = () => undefined;
  function Choice(): ReactNode {
    const [from, setFrom] = useState(0);
    show = setFrom;
    return createElement(Page, { from });
  }
  const root = createRoot(document.body);
  root.render(createElement(SwainProvider, { client }, createElement(Choice)));
  await vi.waitFor(() => expect(document.body.textContent).toBe("live nobody 3 1"));
  expect(made).toHaveBeenCalledTimes(2);
  show(2);
  await vi.waitFor(() => expect(document.body.textContent).toBe("live nobody 1 1"));
  expect(made).toHaveBeenCalledTimes(3);
  root.unmount();
});

it("says what a hook needs when there is no provider", () => {
  expect(() => renderToString(createElement(Page))).toThrow("SwainProvider");
});
