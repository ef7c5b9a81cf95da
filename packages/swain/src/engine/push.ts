import { backoffMs } from "./backoff.js";
import { canonical } from "./canonical.js";
import { type Entry, entryToWire, type Result } from "./entry.js";
import type { Limits, Problem } from "./frame.js";
import { byteLength } from "./hash.js";
import type { Json } from "./json.js";
import type { Outbox } from "./outbox.js";

/** What a results frame means for the pushes of this connection. */
export type Verdict = { readonly kind: "go_on" } | { readonly kind: "pause"; readonly until: number } | Decided;

/** The problems that another attempt on this connection does not end. */
type Decided =
  | { readonly kind: "new_device" }
  /** The welcome of the next connection says where to go on. */
  | { readonly kind: "drop"; readonly problem: Problem }
  | { readonly kind: "stop"; readonly problem: Problem };

export type Next =
  | { readonly kind: "nothing" }
  | { readonly kind: "send"; readonly mutations: readonly Json[] }
  /** An entry that must go first is not in memory. */
  | { readonly kind: "hole" };

/** C9: at once when nothing is in flight, at most so many; the next push after the results of the last. */
export class Push {
  readonly #limits: Limits;
  /** Everything up to here was answered, or is in flight. */
  #through: number;
  #inFlight: { readonly from: number } | null = null;
  #pausedUntil = 0;
  #attempt = 0;

  constructor(last: number, limits: Limits) {
    this.#through = last;
    this.#limits = limits;
  }

  /** Nothing waits for its results. */
  get isIdle(): boolean {
    return this.#inFlight === null;
  }

  next(now: number, outbox: Outbox, lastN: number): Next {
    if (this.#inFlight !== null || now < this.#pausedUntil) return { kind: "nothing" };
    const mutations: Json[] = [];
    let bytes = FRAME_BYTES;
    for (let n = this.#through + 1; n <= lastN && mutations.length < this.#limits.pushMutations; n += 1) {
      const entry = outbox.entry(n);
      if (entry === undefined) {
        if (mutations.length === 0) return { kind: "hole" };
        break;
      }
      const wire = wireOf(entry, n);
      bytes += byteLength(canonical(wire)) + 1;
      if (mutations.length > 0 && bytes > this.#limits.pushBytes) break;
      mutations.push(wire);
    }
    if (mutations.length === 0) return { kind: "nothing" };
    this.#inFlight = { from: this.#through + 1 };
    this.#through += mutations.length;
    return { kind: "send", mutations };
  }

  /** P10. What was not attempted is sent again; a problem that is not known by name is taken for a transient one. */
  handleResults(
    now: number,
    results: readonly Result[],
    problem: Problem | null,
    delay: { readonly firstMs: number; readonly random: () => number },
  ): Verdict {
    const from = this.#inFlight?.from ?? this.#through + 1;
    const answered = Math.max(from - 1, ...results.map((result) => result.n));
    this.#inFlight = null;
    const isComplete = answered >= this.#through;
    this.#through = answered;
    const decided = problem === null ? null : decidedBy(problem);
    if (decided !== null) return decided;
    if (problem === null && (isComplete || results.length > 0)) {
      this.#attempt = 0;
      return { kind: "go_on" };
    }
    // A pause of nothing would be a loop without rest.
    this.#pausedUntil = now + Math.max(PAUSE_MIN_MS, backoffMs(this.#attempt, delay.firstMs, delay.random()));
    this.#attempt += 1;
    return { kind: "pause", until: this.#pausedUntil };
  }
}

/** P19: results that take longer do not come any more. */
export const RESULTS_MS = 30_000;

const FRAME_BYTES = '{"push":{"mutations":[]}}'.length;
const PAUSE_MIN_MS = 50;

/** Null: the same again after a pause. */
function decidedBy(problem: Problem): Decided | null {
  switch (problem.code) {
    case "mutation_gap":
      return { kind: "drop", problem };
    case "mutation_mismatch":
      return { kind: "new_device" };
    case "device_not_yours":
      return { kind: "stop", problem };
    default:
      return null;
  }
}

function wireOf(entry: Entry, n: number): Json {
  return entryToWire({ ...entry, n });
}
