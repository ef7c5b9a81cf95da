import { describe, expect, it } from "vitest";
import type { Entry } from "../src/engine/entry";
import type { Json } from "../src/engine/json";
import type { Operation } from "../src/engine/operation";
import { KEPT_MAX, KEPT_MS } from "../src/engine/outbox";
import type { Output } from "../src/engine/session-io";
import { Device } from "./device";
import { SCHEMA } from "./fake-server";
import { spec } from "./spec";

const GAMES = [{ table: "games" }];
const INC: readonly Operation[] = [{ update: { table: "games", key: ["g1"], inc: { score: 1 } } }];

function welcome(more: Readonly<Record<string, Json>> = {}): Json {
  const limits = { push_mutations: 50, push_bytes: 1_048_576, mutation_ops: 500 };
  const schema = SCHEMA as unknown as Json;
  const base = {
    protocol: 1,
    epoch: "e1",
    user: "u",
    role: "user",
    device: "d",
    now: 1_700_000_005_000,
    limits,
    schema,
  };
  const rest = { heartbeat: 15_000, expires: null, shapes: [{ state: "live" }], last: 0, results: [], load: null };
  return { welcome: { ...base, ...rest, ...more } };
}

function moved(kind: string, pos: number, acked = 0, more: Readonly<Record<string, Json>> = {}): Json {
  return { [kind]: { cursor: `c${pos}`, pos, tag: pos, acked, ...more } };
}

/** A device that is live at position 10 and holds g1. */
function liveDevice(firstMs = 1000): Device {
  const device = new Device(GAMES, SCHEMA, firstMs);
  device.reconnect();
  device.frame(welcome({ shapes: [{ state: "load" }], load: "start" }));
  const row = { id: "g1", title: "A", score: 1, tags: null };
  device.frame({ load: { shape: 0, rows: [row], total: 4, token: "t1" } });
  device.frame(moved("load_end", 10, 0, { shapes: [0], at: 0 }));
  device.frame(moved("caught_up", 10, 0, { now: 0 }));
  device.sent();
  return device;
}

function kinds(outputs: readonly Output[]): readonly string[] {
  return outputs.map((output) => output.kind).filter((kind) => kind !== "timer");
}

function pushedBy(device: Device): readonly (readonly number[])[] {
  const pushes = device.sent().flatMap((message) => (message.push === undefined ? [] : [message.push]));
  return pushes.map((push) => (push as { mutations: { n: number }[] }).mutations.map(({ n }) => n));
}

function delayOf(device: Device): number {
  return (device.timers.get("reconnect") ?? Number.NaN) - device.now;
}

describe("connecting", () => {
  it("says hello with what the device has", () => {
    spec("P1", "P13", "C10");
    const device = liveDevice();
    device.mutate(INC);
    device.sent();
    device.handle({ kind: "closed", code: 1006 });
    device.fire("reconnect");
    device.handle({ kind: "opened", token: "jwt" });
    const hello = { protocol: 1, token: "jwt", device: "device-0", cursor: "c10", acked: 0 };
    expect(device.sent()).toEqual([{ hello: { ...hello, shapes: GAMES, load: null, schema: 1 } }]);
  });

  it("presents the token of the last chunk after a cut", () => {
    spec("C6", "P5");
    const device = new Device(GAMES, SCHEMA);
    device.reconnect();
    device.frame(welcome({ shapes: [{ state: "load" }], load: "start" }));
    device.frame({
      load: { shape: 0, rows: [{ id: "g1", title: null, score: 1, tags: null }], total: 4, token: "t1" },
    });
    expect(device.session.status).toMatchObject({ state: "syncing", loading: { done: 1, total: 4 }, cached: true });
    device.sent();
    device.reconnect();
    expect(device.sent()[0]).toMatchObject({ hello: { load: "t1", cursor: null } });
  });

  it("waits with full jitter, doubling up to 30 s, for ever", () => {
    spec("C8");
    const device = new Device(GAMES, SCHEMA);
    device.handle({ kind: "start" });
    const delays = [];
    for (let i = 0; i < 8; i += 1) {
      device.random = i % 2 === 0 ? 0.5 : 0.999_999;
      device.handle({ kind: "closed", code: 1006 });
      delays.push(Math.round(delayOf(device)));
      device.fire("reconnect");
    }
    expect(delays).toEqual([500, 2000, 2000, 8000, 8000, 30_000, 15_000, 30_000]);
    expect(device.session.status.state).toBe("connecting");
  });

  it("counts from the start again after 30 s of a healthy stream", () => {
    spec("C8");
    const device = liveDevice();
    for (let i = 0; i < 4; i += 1) {
      device.handle({ kind: "closed", code: 1006 });
      device.fire("reconnect");
    }
    device.handle({ kind: "opened", token: null });
    device.frame(welcome());
    device.now += 29_000;
    device.handle({ kind: "closed", code: 1006 });
    expect(delayOf(device)).toBe(8000);
    device.fire("reconnect");
    device.handle({ kind: "opened", token: null });
    device.frame(welcome());
    device.now += 30_000;
    device.handle({ kind: "closed", code: 1006 });
    expect(delayOf(device)).toBe(500);
  });

  it("counts from the start at caught_up when the first delay is below 1 s", () => {
    spec("C8");
    const device = liveDevice(100);
    device.handle({ kind: "closed", code: 1006 });
    expect(delayOf(device)).toBe(50);
    device.reconnect();
    device.frame(welcome());
    device.frame(moved("caught_up", 10, 0, { now: 0 }));
    device.handle({ kind: "closed", code: 1006 });
    expect(delayOf(device)).toBe(50);
  });

  it("tries at once when the page wakes up", () => {
    spec("C8");
    const device = liveDevice();
    device.handle({ kind: "closed", code: 1006 });
    expect(kinds(device.handle({ kind: "wake" }))).toEqual(["connect"]);
    expect(kinds(device.handle({ kind: "wake" }))).toEqual([]);
  });

  it("takes a stream for dead after 2.5 heartbeats, or at once when it wakes up later", () => {
    spec("C8");
    const device = liveDevice();
    device.now += 30_000;
    device.frame(moved("heartbeat", 10, 0, { now: 0, expires: null }));
    device.fire("watchdog");
    expect(device.session.status.state).toBe("live");
    device.fire("watchdog");
    expect(device.session.status.state).toBe("offline");

    const asleep = liveDevice();
    asleep.now += 3_600_000;
    expect(kinds(asleep.handle({ kind: "wake" }))).toEqual(["close", "connect"]);
  });

  it("gives an attempt without a welcome up", () => {
    spec("C8");
    const device = new Device(GAMES, SCHEMA);
    device.handle({ kind: "start" });
    device.fire("watchdog");
    expect(device.session.status.state).toBe("offline");
  });

  it("waits as long as goaway says, whatever wakes up", () => {
    spec("C8", "P11");
    const device = liveDevice();
    device.frame({ goaway: { reason: "draining", retry: 1500 } });
    device.handle({ kind: "closed", code: 1012 });
    expect(delayOf(device)).toBe(1500);
    expect(kinds(device.handle({ kind: "wake" }))).toEqual([]);
    device.fire("reconnect");
    expect(device.session.status.state).toBe("connecting");
  });

  it("waits when the server is overloaded", () => {
    spec("C8", "P15");
    const device = liveDevice();
    device.handle({ kind: "closed", code: 1013 });
    expect(delayOf(device)).toBe(1000);
    expect(kinds(device.handle({ kind: "wake" }))).toEqual([]);
  });

  it("refreshes the token once after 4401, then stops", () => {
    spec("C8", "P15", "P18");
    const device = liveDevice();
    expect(device.handle({ kind: "closed", code: 4401 })).toContainEqual({ kind: "connect", fresh: true });
    device.handle({ kind: "opened", token: "new" });
    device.handle({ kind: "closed", code: 4401 });
    expect(device.session.status).toMatchObject({ state: "stopped", problem: { code: "auth_expired" } });
    expect(kinds(device.handle({ kind: "wake" }))).toEqual([]);
    expect(kinds(device.handle({ kind: "resume" }))).toEqual(["connect"]);
  });

  it("stops at 4403 and says why", () => {
    spec("C8", "P12", "P15");
    const device = liveDevice();
    device.frame({ problem: { code: "device_not_yours", title: "Another person's device", status: 403 } });
    device.handle({ kind: "closed", code: 4403 });
    expect(device.session.status).toMatchObject({ state: "stopped", problem: { code: "device_not_yours" } });
  });

  it("renews the token in band before it ends, by the server's clock", () => {
    spec("P3");
    const device = liveDevice();
    device.frame(moved("heartbeat", 10, 0, { now: 0, expires: 1_700_000_605_000 }));
    expect((device.timers.get("token") ?? 0) - device.now).toBe(540_000);
    const asked = device.handle({ kind: "timer", timer: "token" });
    expect(kinds(asked)).toEqual(["token"]);
    device.handle({ kind: "token", token: "new" });
    expect(device.sent()).toEqual([{ auth: { token: "new" } }]);
  });

  it("drops a connection that speaks something else, and resumes", () => {
    spec("C7", "V2");
    for (const text of ["{", '{"a":1,"b":2}', '{"changes":{"rows":[]}}', '{"welcome":{}}', "[]"]) {
      const device = liveDevice();
      device.handle({ kind: "frame", text });
      expect(device.session.status.state).toBe("offline");
      expect(device.replica.meta.mark?.cursor).toBe("c10");
    }
  });
});

describe("attempts that are limited", () => {
  function afterFailures(count: number): Device {
    const device = new Device(GAMES, SCHEMA, 1000, 3);
    device.handle({ kind: "start" });
    for (let i = 0; i < count; i += 1) {
      device.handle({ kind: "closed", code: 1006 });
      device.fire("reconnect");
    }
    return device;
  }

  it("are given up with a problem, and waking up does not go on", () => {
    spec("C8");
    expect(afterFailures(2).session.status).toMatchObject({ state: "connecting", problem: null });
    const device = afterFailures(3);
    device.handle({ kind: "wake" });
    expect(device.session.status).toMatchObject({ state: "offline", problem: { code: "attempts_used_up" } });
    expect([...device.timers.keys()]).toEqual([]);
  });

  it.each([{ kind: "resume" }, { kind: "sync", id: "s" }] as const)("begin anew with $kind", (input) => {
    spec("C8");
    const device = afterFailures(3);
    expect(kinds(device.handle(input))).toEqual(["connect"]);
    device.handle({ kind: "closed", code: 1006 });
    expect(device.timers.has("reconnect")).toBe(true);
  });

  it("count from the start at a welcome", () => {
    spec("C8");
    const device = afterFailures(2);
    device.handle({ kind: "opened", token: null });
    device.frame(welcome());
    for (let i = 0; i < 3; i += 1) {
      device.handle({ kind: "closed", code: 1006 });
      expect(device.timers.has("reconnect"), `attempt ${i}`).toBe(true);
      device.fire("reconnect");
    }
    device.handle({ kind: "closed", code: 1006 });
    expect(device.session.status.problem?.code).toBe("attempts_used_up");
  });
});

describe("the schema in the welcome", () => {
  it("is kept when the server leaves it out", () => {
    spec("P4");
    const device = liveDevice();
    device.reconnect();
    const { welcome: body } = welcome() as { welcome: Record<string, Json> };
    const { schema: _, ...rest } = body;
    device.frame({ welcome: rest });
    device.frame(
      moved("changes", 11, 0, { rows: [{ patch: { table: "games", key: ["g1"], in: [0], set: { score: 7 } } }] }),
    );
    expect(device.replica.meta.schema).toEqual(SCHEMA);
    expect(device.isConnected).toBe(true);
  });

  it("is asked for by a device without a cursor, whatever it had before", () => {
    spec("P1");
    const device = new Device(GAMES, SCHEMA);
    device.reconnect();
    expect(device.sent()[0]).toMatchObject({ hello: { cursor: null, schema: 0 } });
  });
});

describe("frame numbers", () => {
  const numbered = (i: number, frame: Json): Json => {
    const [[kind, body] = []] = Object.entries(frame as Readonly<Record<string, Readonly<Record<string, Json>>>>);
    return { [kind ?? ""]: { i, ...body } };
  };
  const heartbeat = moved("heartbeat", 10, 0, { now: 0, expires: null });

  it.each([
    ["lost", [1, 2, 4]],
    ["doubled", [1, 2, 2]],
    ["swapped", [1, 3, 2]],
    ["of another connection", [2]],
  ])("a frame that was %s ends the connection, and the next one resumes", (_what, numbers) => {
    spec("P19");
    const device = liveDevice();
    device.reconnect();
    for (const [at, i] of numbers.entries()) device.frame(numbered(i, at === 0 ? welcome() : heartbeat));
    expect(device.session.status).toMatchObject({ state: "offline", problem: { code: "frame_missing" } });
    device.sent();
    device.reconnect();
    expect(device.sent()[0]).toMatchObject({ hello: { cursor: "c10" } });
    for (const [at, frame] of [welcome(), { news: { a: 1 } }, heartbeat].entries())
      device.frame(numbered(at + 1, frame));
    expect(device.isConnected).toBe(true);
  });

  it("frames without a number are not checked and take none", () => {
    spec("P19");
    const device = liveDevice();
    device.frame(heartbeat);
    device.frame(numbered(1, heartbeat));
    expect(device.isConnected).toBe(true);
  });
});

describe("pushing", () => {
  it("sends at once, then the rest after the results", () => {
    spec("C9", "P2");
    const device = liveDevice();
    for (let i = 0; i < 53; i += 1) device.mutate(INC);
    expect(pushedBy(device)).toEqual([[1]]);
    device.frame({ results: { results: [{ n: 1, status: "applied" }] } });
    expect(pushedBy(device).map((ns) => [ns[0], ns.at(-1)])).toEqual([[2, 51]]);
    device.frame({ results: { results: [...Array(50).keys()].map((i) => ({ n: i + 2, status: "applied" })) } });
    expect(pushedBy(device)).toEqual([[52, 53]]);
  });

  it("keeps a push below the server's bytes", () => {
    spec("C9", "P2", "P16");
    const device = liveDevice();
    device.reconnect();
    device.frame(welcome({ limits: { push_mutations: 50, push_bytes: 400 } }));
    device.mutate(INC);
    for (let i = 0; i < 4; i += 1) device.mutate(INC);
    device.sent();
    device.frame({ results: { results: [{ n: 1, status: "applied" }] } });
    const [message] = device.sent();
    expect(JSON.stringify(message).length).toBeLessThanOrEqual(400);
    expect(message?.push?.mutations).toHaveLength(3);
  });

  it("sends everything above welcome.last again, in order and unchanged", () => {
    spec("C9", "P14");
    const device = liveDevice();
    for (let i = 0; i < 3; i += 1) device.mutate(INC);
    const [first] = device.sent();
    device.now += 60_000;
    device.reconnect();
    device.sent();
    device.frame(welcome());
    const [again] = device.sent();
    const mutations = (message: unknown): unknown[] => (message as { push: { mutations: unknown[] } }).push.mutations;
    expect(mutations(again).map((mutation) => (mutation as { n: number }).n)).toEqual([1, 2, 3]);
    expect(mutations(again)[0]).toEqual(mutations(first)[0]);
  });

  it("sends the same again after a pause when the problem is transient, without limit", () => {
    spec("C9");
    const device = liveDevice();
    device.mutate(INC);
    device.sent();
    for (let i = 0; i < 20; i += 1) {
      device.frame({
        results: { results: [], problem: { code: "overloaded", title: "Busy", status: 503 } },
      });
      expect(pushedBy(device)).toEqual([]);
      device.frame(moved("heartbeat", 10, 0, { now: 0, expires: null }));
      device.fire("push");
      expect(pushedBy(device)).toEqual([[1]]);
    }
    expect(device.session.status.problem).toMatchObject({ code: "overloaded" });
    expect(device.replica.outbox.pendingCount).toBe(1);
  });

  it("asks again for a result that was lost although the stream acknowledged the edit meanwhile", () => {
    spec("C4", "C9");
    const device = liveDevice();
    device.mutate(INC);
    device.sent();
    device.frame({ results: { results: [], problem: { code: "transient", title: "No answer", status: 503 } } });
    device.frame(moved("heartbeat", 11, 1, { now: 0, expires: null }));
    device.fire("push");
    expect(pushedBy(device)).toEqual([[1]]);
    device.frame({ results: { results: [{ n: 1, status: "refused", code: "check_failed" }] } });
    expect(device.replica.outbox.entry(1)?.state).toMatchObject({ kind: "refused", result: { code: "check_failed" } });
  });

  it("connects again after a gap, and goes on where the welcome says", () => {
    spec("P10", "P14");
    const device = liveDevice();
    device.mutate(INC);
    device.frame({ results: { results: [{ n: 1, status: "applied" }] } });
    device.frame(moved("changes", 11, 1, { rows: [] }));
    device.mutate(INC);
    device.sent();
    const gap = { code: "mutation_gap", title: "Gap", status: 409, detail: "mutation 1 comes next" };
    device.frame({ results: { results: [], problem: gap } });
    expect(device.session.status).toMatchObject({ state: "offline", problem: { code: "mutation_gap" } });
    device.reconnect();
    device.sent();
    device.frame(welcome());
    expect(pushedBy(device)).toEqual([[1, 2]]);
  });

  it("stops when the device is another person's", () => {
    spec("P14");
    const device = liveDevice();
    device.mutate(INC);
    device.frame({ results: { results: [], problem: { code: "device_not_yours", title: "Not yours", status: 403 } } });
    expect(device.session.status).toMatchObject({ state: "stopped", problem: { code: "device_not_yours" } });
  });

  it("takes a stream for dead when results do not come within 30 s, though other frames do", () => {
    spec("P19");
    const device = liveDevice();
    device.mutate(INC);
    device.now += 29_999;
    device.frame(moved("heartbeat", 10, 0, { now: 0, expires: null }));
    expect((device.timers.get("results") ?? 0) - device.now).toBe(1);
    device.fire("results");
    expect(device.session.status.state).toBe("offline");

    const answered = liveDevice();
    answered.mutate(INC);
    answered.frame({ results: { results: [{ n: 1, status: "applied" }] } });
    expect(answered.timers.has("results")).toBe(false);
  });

  it("reads storage when a number is missing, and takes a new device id when it is not there either", () => {
    spec("C9", "C10");
    const device = liveDevice();
    const at = device.replica.meta;
    const entry = (n: number): Entry => {
      const state = { kind: "pending", result: null } as const;
      return { uid: `u${n}`, n, base: 10, at: 0, schema: at.schema?.version ?? 0, ops: INC, state };
    };
    device.replica.putEntry(entry(2));
    expect(kinds(device.handle({ kind: "saved" }))).toEqual(["reread"]);
    expect(kinds(device.handle({ kind: "saved" }))).toEqual([]);
    device.replica.putEntry(entry(1));
    device.handle({ kind: "hydrated" });
    expect(pushedBy(device)).toEqual([[1, 2]]);
    device.frame({ results: { results: [1, 2].map((n) => ({ n, status: "applied" })) } });
    device.replica.putEntry(entry(4));
    device.handle({ kind: "saved" });
    expect(kinds(device.handle({ kind: "hydrated" }))).toEqual(["close", "rewrite"]);
  });

  it("takes a new device id when the server was restored and what it forgot is not kept any longer", () => {
    spec("C10", "C16");
    const device = liveDevice();
    device.mutate(INC);
    device.mutate(INC);
    device.frame(moved("heartbeat", 11, 2, { now: 0, expires: null }));
    device.now += KEPT_MS;
    device.frame(moved("heartbeat", 11, 2, { now: 0, expires: null }));
    expect(device.replica.outbox.saved()).toEqual([]);
    device.reconnect();
    const outputs = device.frame(welcome());
    expect(outputs).toContainEqual({ kind: "rewrite", lostAbove: 0 });
    expect(device.replica.meta.device).toBe("device-1");
  });
});

describe("what is kept", () => {
  it("keeps acknowledged entries for 24 h, and the last 1000", { timeout: 30_000 }, () => {
    spec("C16");
    const device = liveDevice();
    for (let i = 0; i < KEPT_MAX + 5; i += 1) device.mutate(INC);
    device.frame(moved("heartbeat", 11, KEPT_MAX + 5, { now: 0, expires: null }));
    device.frame(moved("heartbeat", 11, KEPT_MAX + 5, { now: 0, expires: null }));
    expect(device.replica.outbox.saved().map(({ n }) => n)[0]).toBe(6);
    device.now += KEPT_MS - 1;
    device.frame(moved("heartbeat", 11, KEPT_MAX + 5, { now: 0, expires: null }));
    expect(device.replica.outbox.saved()).toHaveLength(KEPT_MAX);
    device.now += 1;
    device.frame(moved("heartbeat", 11, KEPT_MAX + 5, { now: 0, expires: null }));
    expect(device.replica.outbox.saved()).toEqual([]);
  });

  it("asks for results again that were lost, even when they are acknowledged", () => {
    spec("C4", "P1");
    const device = liveDevice();
    device.mutate(INC);
    device.mutate(INC);
    device.frame(moved("heartbeat", 11, 2, { now: 0, expires: null }));
    device.sent();
    device.reconnect();
    expect(device.sent()[0]).toMatchObject({ hello: { acked: 0 } });
    device.frame(welcome({ last: 2, results: [1, 2].map((n) => ({ n, status: "applied" })) }));
    device.sent();
    device.reconnect();
    expect(device.sent()[0]).toMatchObject({ hello: { acked: 2 } });
  });

  it("goes back to storage when a write fails, and resumes", () => {
    spec("C3");
    const device = liveDevice();
    expect(kinds(device.handle({ kind: "storage_failed", code: "quota_exceeded", title: "Full" }))).toEqual(["close"]);
    expect(device.session.status).toMatchObject({ state: "offline", problem: { code: "quota_exceeded" } });
    expect(kinds(device.handle({ kind: "wake" }))).toEqual([]);
    device.handle({ kind: "hydrated" });
    device.fire("reconnect");
    expect(device.session.status.state).toBe("connecting");
  });

  it("hears of other tabs' mutations from storage without going back to its older rows", () => {
    spec("C14");
    const device = liveDevice();
    const old = device.stored();
    device.mutate(INC);
    device.frame(moved("heartbeat", 11, 1, { now: 0, expires: null }));
    const pending = { kind: "pending", result: null } as const;
    const entry = (n: number): Entry => ({ uid: `o${n}`, n, base: 10, at: 0, schema: 1, ops: INC, state: pending });
    const change = device.replica.mergeOutbox({ ...old, outbox: [entry(1), entry(2)] });
    expect(change.rows).toMatchObject([{ after: { score: 2 } }]);
    expect(device.replica.meta).toMatchObject({ lastN: 2, mark: { pos: 11 } });
    expect(device.replica.mergeOutbox({ ...old, outbox: [entry(1), entry(2)] }).rows).toEqual([]);
  });

  it("gives the same outputs for the same inputs", () => {
    spec("C1");
    const run = (): string => {
      const device = liveDevice();
      device.mutate(INC);
      device.handle({ kind: "closed", code: 1006 });
      return JSON.stringify(device.outputs);
    };
    expect(run()).toBe(run());
  });
});

describe("syncing on demand", () => {
  it("resolves when what waited is acknowledged, and fails with the attempt", () => {
    const device = liveDevice();
    device.mutate(INC);
    expect(kinds(device.handle({ kind: "sync", id: "s1" }))).toEqual([]);
    const outputs = device.frame(moved("heartbeat", 11, 1, { now: 0, expires: null }));
    expect(outputs).toContainEqual({ kind: "synced", id: "s1", error: null });
    device.handle({ kind: "closed", code: 1006 });
    expect(kinds(device.handle({ kind: "sync", id: "s2" }))).toEqual(["connect"]);
    expect(device.handle({ kind: "closed", code: 1006 })).toContainEqual({
      kind: "synced",
      id: "s2",
      error: "offline",
    });
  });
});
