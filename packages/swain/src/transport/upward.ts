import type { Json } from "../engine/json.js";
import { refusalOf, tell } from "./answer.js";
import type { Requests } from "./http.js";
import { CLOSED_ABNORMALLY, type Gate } from "./transport.js";

/** P22: what goes up beside a stream that only comes down. In order, one in flight. */
export class Upward {
  readonly #requests: Requests;
  readonly #device: string;
  readonly #gate: Gate;
  #last: Promise<void> = Promise.resolve();
  readonly #said: Json[] = [];

  constructor(requests: Requests, device: string, gate: Gate) {
    this.#requests = requests;
    this.#device = device;
    this.#gate = gate;
  }

  /** Resolves when nothing is in flight. */
  get idle(): Promise<void> {
    return this.#last;
  }

  push(mutations: Json): Promise<void> {
    const body = JSON.stringify({ device: this.#device, mutations });
    this.#last = this.#last.then(() => this.#post(body));
    return this.#last;
  }

  /** P28: what is said while a request is in flight goes with the next one. That it was lost changes nothing. */
  say(body: Json): void {
    this.#said.push(body);
    if (this.#said.length > 1) return;
    this.#last = this.#last.then(async () => {
      const presence = this.#said.splice(0).slice(-SAID_MAX);
      if (this.#gate.isOpen) await this.#answer(JSON.stringify({ device: this.#device, presence }));
    });
  }

  async #post(body: string): Promise<void> {
    if (!this.#gate.isOpen) return;
    const answer = await this.#answer(body);
    switch (answer.kind) {
      case "results":
        return this.#gate.frame(answer.text);
      case "refused":
        return tell(this.#gate, answer.refusal);
      case "again":
        return this.#again(answer.code);
      default:
        return answer satisfies never;
    }
  }

  async #answer(body: string): Promise<UpAnswer> {
    try {
      const response = await this.#requests.post("/api/sync/batch", body);
      if (response.ok) return { kind: "results", text: await response.text() };
      const refusal = await refusalOf(response);
      const isTransient = refusal.close === CLOSED_ABNORMALLY || refusal.close === 1013;
      return isTransient ? { kind: "again", code: refusal.code ?? "unreachable" } : { kind: "refused", refusal };
    } catch {
      return { kind: "again", code: "unreachable" };
    }
  }

  /** P10: the stream may be well, so the same mutations go out again after a pause. */
  #again(code: string): void {
    const problem = { code, title: "The edits did not reach the server; they are sent again." };
    this.#gate.frame(JSON.stringify({ results: { results: [], problem } }));
  }
}

/** P22: more is not taken at once; the latest counts. */
const SAID_MAX = 16;

type UpAnswer =
  | { readonly kind: "results"; readonly text: string }
  | { readonly kind: "refused"; readonly refusal: Parameters<typeof tell>[1] }
  | { readonly kind: "again"; readonly code: string };
