import assert from "node:assert/strict";
import { test } from "node:test";
import { spec } from "../support/spec.mjs";
import { add, offline, over, seen, stage } from "../support/transports.mjs";

/** Minutes of waiting as seconds; the rules are the same. */
const SOON = { returnFirstMs: 3000, returnSoonMs: 1000, welcomeMs: { websocket: 3000, sse: 1500, poll: 5000 } };

for (const transport of ["websocket", "sse", "poll"]) {
  test(`${transport} alone: live both ways, edits without a network, and a reload`, async (t) => {
    spec("C17", "C18");
    const { proxy, join, server } = await stage(t);
    const { page, profile } = await join("one", { transports: transport });
    const { page: other } = await join("other", {}, server);
    await over(page, transport);
    await over(other, "websocket");

    await add(page, "from one");
    await seen(other, "from one");
    await add(other, "from the other");
    await seen(page, "from the other");
    await over(page, transport);

    proxy.pull();
    await offline(page);
    await add(page, "without a network");
    await seen(page, "without a network");
    await add(other, "meanwhile");
    proxy.plugIn();
    await seen(other, "without a network");
    await seen(page, "meanwhile");
    await over(page, transport);

    await page.reload();
    await over(page, transport);
    await seen(page, "meanwhile");
    assert.deepEqual(profile.complaints, []);
    const used = new Set(proxy.asked.filter((path) => path.startsWith("/api/sync/")));
    const ways = { websocket: ["ws"], sse: ["batch", "events", "shapes"], poll: ["batch", "changes", "shapes"] };
    assert.deepEqual([...used].sort(), ways[transport].map((path) => `/api/sync/${path}`));
  });
}

test("a proxy that refuses Upgrade: events carry the page, and WebSocket when the proxy is gone", async (t) => {
  spec("C17");
  const { proxy, join, server } = await stage(t);
  proxy.refusesUpgrade = true;
  const { page, profile } = await join("one", { times: SOON });
  profile.expect(/WebSocket connection to .* failed/);
  await over(page, "sse");
  const { page: other } = await join("other", {}, server);
  await over(other, "websocket");
  await add(other, "through the proxy");
  await seen(page, "through the proxy");

  proxy.refusesUpgrade = false;
  await over(page, "websocket");
  await add(page, "and back");
  await seen(other, "and back");
  assert.deepEqual(profile.complaints, []);
});

test("a proxy that holds events back: polls carry the page", async (t) => {
  spec("C17");
  const { proxy, join, server } = await stage(t);
  proxy.refusesUpgrade = true;
  proxy.buffers = true;
  const { page, profile } = await join("one", { times: { ...SOON, returnFirstMs: 600_000, returnSoonMs: 600_000 } });
  profile.expect(/WebSocket connection to .* failed/);
  await over(page, "poll");
  const { page: other } = await join("other", {}, server);
  await over(other, "websocket");
  await add(other, "to a poll");
  await seen(page, "to a poll");
  await add(page, "from a poll");
  await seen(other, "from a poll");
  await over(page, "poll");
  assert.deepEqual(profile.complaints, []);
});

test("a proxy that cuts what lasts: nothing is lost on any transport", async (t) => {
  spec("C17", "C18");
  const { proxy, join, server } = await stage(t);
  const { page: other } = await join("other", {}, server);
  await over(other, "websocket");
  const { page } = await join("one", { times: SOON });
  await over(page, "websocket");
  proxy.cutMs = 2500;
  proxy.cut();
  const places = [];
  const seenOver = new Set();
  for (let i = 0; i < 24; i += 1) {
    const [from, to] = i % 2 === 0 ? [page, other] : [other, page];
    const place = `place ${String(i).padStart(2, "0")}`;
    places.push(place);
    await add(from, place);
    await seen(to, place);
    const state = await page.locator("#state").innerText();
    seenOver.add(state.split(" over ")[1]);
    // sleep: the proxy's cuts are to fall anywhere.
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  seenOver.delete("nothing");
  assert.ok(seenOver.size > 1, `it moved on from the transport that is cut: ${[...seenOver]}`);

  proxy.cutMs = null;
  for (const one of [page, other]) {
    await one.getByText(/^live, 0 pending/).waitFor();
    const shown = await one.locator("#sessions li").allTextContents();
    assert.deepEqual(shown.filter((place) => place.startsWith("place ")), places);
  }
});

test("an EventSource knows the person by the cookie", async (t) => {
  spec("C18");
  const { proxy, join, server } = await stage(t);
  const { page, profile } = await join("one", { transports: "sse", credentials: "cookie" });
  await over(page, "sse");
  const { page: other } = await join("other", {}, server);
  await over(other, "websocket");
  await add(page, "with the cookie");
  await seen(other, "with the cookie");
  await over(page, "sse");

  proxy.pull();
  await offline(page);
  await add(other, "meanwhile");
  proxy.plugIn();
  await seen(page, "meanwhile");
  await page.reload();
  await over(page, "sse");
  assert.deepEqual(profile.complaints, []);
});

test("what the server switches off is not used", async (t) => {
  spec("C17");
  const { join } = await stage(t, 'transports = ["poll"]');
  const { page, profile } = await join("one");
  profile.expect(/WebSocket connection to .* failed|404/);
  await over(page, "poll");
  await add(page, "by polls alone");
  await over(page, "poll");
});

test("a large first load comes compressed over WebSocket", async (t) => {
  spec("C18");
  const { join, server } = await stage(t);
  const { page: other } = await join("other", {}, server);
  await over(other, "websocket");
  for (let i = 0; i < 40; i += 1) await add(other, `a long way to the court, number ${i}`);
  await over(other, "websocket");

  const { page, profile } = await join("one", {}, server);
  await over(page, "websocket");
  const kinds = { text: 0, binary: 0 };
  page.on("websocket", (socket) =>
    socket.on("framereceived", ({ payload }) => {
      kinds[typeof payload === "string" ? "text" : "binary"] += 1;
    }),
  );
  // As another person: the store is another one, and everything is loaded.
  const before = await page.locator("#who").innerText();
  await page.getByRole("button", { name: "Join" }).click();
  await page.waitForFunction((old) => document.querySelector("#who").textContent !== old, before);
  await seen(page, "a long way to the court, number 39");
  await over(page, "websocket");

  assert.ok(kinds.binary > 0 && kinds.text > 0, JSON.stringify(kinds));
  assert.deepEqual(profile.complaints, []);
});
