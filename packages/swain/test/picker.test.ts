import { describe, expect, it } from "vitest";
import { type Ending, PICK_TIMES, Picker, type TransportKind } from "../src/engine/picker";
import { spec } from "./spec";

const ALL = ["websocket", "sse", "poll"] as const;

/** What lies between device and server: which transports get a welcome there. */
function lives(picker: Picker, from: number, until: number, passes: readonly TransportKind[]): TransportKind[] {
  const used: TransportKind[] = [];
  for (let now = from; now < until; ) {
    const kind = picker.choose(now);
    used.push(kind);
    if (passes.includes(kind)) {
      picker.handleWelcome(now);
      const end = Math.min(until, picker.returnAt ?? until);
      picker.handleEnd(end, "left", end - now);
      now = end;
    } else {
      picker.handleEnd(now + 1000, "lost", null);
      now += 2000;
    }
  }
  return used;
}

describe("whatever the network lets through", () => {
  it.each([1, 2, 3, 4, 5, 6, 7])("a transport that works is found within one round, subset %i", (mask) => {
    spec("C17");
    const passes = ALL.filter((_kind, i) => (mask & (1 << i)) !== 0);
    const picker = new Picker(ALL);

    const used = lives(picker, 0, 10_000, passes);

    expect(used.slice(0, 3)).toContain(passes[0]);
    expect(picker.choose(10_001)).toBe(passes[0]);
  });

  it("after any history, the best is used again within an hour of its coming back", () => {
    spec("C17");
    const random = generator(Date.now());
    for (let run = 0; run < 300; run += 1) {
      const picker = new Picker(ALL);
      let now = 0;
      for (let step = 0; step < 60; step += 1) {
        now = misfortune(picker, now, random);
      }

      const used = lives(picker, now, now + PICK_TIMES.returnMaxMs + 60_000, ALL);

      expect(used.at(-1), `seed ${random.seed}, run ${run}: ${used}`).toBe("websocket");
      expect(picker.returnAt).toBeNull();
    }
  });
});

function misfortune(picker: Picker, from: number, random: () => number): number {
  const endings: readonly Ending[] = ["lost", "closed", "off", "left"];
  const ending = endings[Math.floor(random() * endings.length)] ?? "lost";
  const began = from + Math.floor(random() * 20_000);
  const life = random() < 0.5 ? null : Math.floor(random() * 60_000);
  const ended = began + (life ?? 1000);
  picker.choose(began);
  if (life !== null) picker.handleWelcome(began);
  if (random() < 0.2) picker.handleWaitCut(began);
  if (random() < 0.1) picker.handleOnline(began);
  picker.handleEnd(ended, ending, life);
  return ended;
}

function generator(seed: number): (() => number) & { readonly seed: number } {
  let state = seed & 0x7fff_ffff;
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) / 0x80_0000;
  };
  return Object.assign(next, { seed });
}
