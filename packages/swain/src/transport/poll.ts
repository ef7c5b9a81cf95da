import { isArray, isObject, type Json, type JsonObject, parseJson } from "../engine/json.js";
import { type Refusal, refusalOf, tell } from "./answer.js";
import { type Hello, type HttpOptions, helloOf, messageOf, Requests, type ShapeLists, textOf } from "./http.js";
import { PollState } from "./poll-state.js";
import {
  CLOSED_ABNORMALLY,
  type Clock,
  type Connection,
  type ConnectionEvents,
  Gate,
  type Transport,
} from "./transport.js";
import { Upward } from "./upward.js";

export interface PollOptions extends HttpOptions {
  readonly clock: Clock;
  readonly wait: PollWait;
  /** C17: between polls that do not wait. */
  readonly pauseMs: number;
}

/** C17: how long a poll may wait at the server. */
export interface PollWait {
  seconds(): number;
  /** It was cut while it waited. */
  handleCut(): void;
}

/** What fails sooner was not waiting. */
const CUT_MIN_MS = 1000;

/** P21: frames come in the answers to requests, each a short session of its own; to the device it is one connection. */
export class PollTransport implements Transport {
  readonly #options: PollOptions;
  readonly #lists: ShapeLists;

  constructor(options: PollOptions, lists: ShapeLists) {
    this.#options = options;
    this.#lists = lists;
  }

  open(events: ConnectionEvents): Connection {
    return new PollConnection(this.#options, this.#lists, new Gate(events));
  }
}

class PollConnection implements Connection {
  readonly kind = "poll";
  readonly #options: PollOptions;
  readonly #lists: ShapeLists;
  readonly #gate: Gate;
  #requests: Requests | null = null;
  #upward: Upward | null = null;
  #endPause: () => void = () => undefined;
  /** The server did not know the list of shapes, and gets it with the next poll. */
  #isPostingAgain = false;

  constructor(options: PollOptions, lists: ShapeLists, gate: Gate) {
    this.#options = options;
    this.#lists = lists;
    this.#gate = gate;
    queueMicrotask(() => gate.opened());
  }

  send(text: string): void {
    const { kind, body } = messageOf(text);
    if (kind === "hello") void this.#begin(helloOf(body), textOf(body.token));
    // What the edits changed, and that they are acknowledged, comes with the next poll.
    if (kind === "push") void this.#upward?.push(body.mutations ?? []).then(() => this.#endPause());
    // The next poll shows it.
    if (kind === "auth" && this.#requests !== null) this.#requests.token = textOf(body.token);
  }

  close(): void {
    this.#gate.leave();
    this.#stop();
  }

  async #begin(hello: Hello, token: string | null): Promise<void> {
    const requests = new Requests(this.#options, this.#lists, token);
    this.#requests = requests;
    this.#upward = new Upward(requests, hello.device, this.#gate);
    try {
      await this.#run(requests, new PollState(hello));
    } catch {
      this.#gate.closed(CLOSED_ABNORMALLY);
    }
    this.#stop();
  }

  async #run(requests: Requests, state: PollState): Promise<void> {
    const { clock, wait } = this.#options;
    while (this.#gate.isOpen) {
      if (state.isCurrent && wait.seconds() === 0) await this.#pause();
      const seconds = state.isCurrent ? wait.seconds() : 0;
      const began = clock.now();
      try {
        await this.#poll(requests, state, seconds);
      } catch (error) {
        if (seconds === 0 || clock.now() - began < CUT_MIN_MS) throw error;
        // Only when the server answers at once it was the waiting that somebody does not like.
        await this.#poll(requests, state, 0);
        wait.handleCut();
      }
    }
  }

  /** Throws when there is no answer of a Swain server. */
  async #poll(requests: Requests, state: PollState, seconds: number): Promise<void> {
    if (!this.#gate.isOpen) return;
    const { hello, tag } = state;
    const query = await requests.query(hello, { since: hello.cursor, wait: String(seconds) });
    if (query.kind === "refused") return this.#refuse(query.refusal);
    const headers: Record<string, string> = tag === null ? {} : { "if-none-match": tag };
    const response = await requests.send(`/api/sync/changes?${query.value}`, { headers });
    if (response.status === 304) return this.#handle(state.nothingNew());
    if (!response.ok) {
      const refusal = await refusalOf(response);
      if (refusal.code === null) throw new TypeError("not the answer of a server");
      if (this.#isPostingAgain || !requests.forgets(refusal)) return this.#refuse(refusal);
      this.#isPostingAgain = true;
      return;
    }
    this.#isPostingAgain = false;
    const { frames, close } = bodyOf(await response.text());
    for (const frame of frames) {
      const verdict = state.handle(frame);
      if (verdict === "changed") return this.#gate.restart("changed");
      this.#handle(verdict);
    }
    state.handleEnd(response.headers.get("etag"));
    if (close !== null) this.#gate.closed(close);
  }

  #handle(frames: readonly Json[]): void {
    for (const frame of frames) this.#gate.frame(JSON.stringify(frame));
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#options.clock.setTimer(this.#options.pauseMs, resolve);
      this.#endPause = () => {
        stop();
        resolve();
      };
    });
  }

  #refuse(refusal: Refusal): void {
    tell(this.#gate, refusal);
  }

  #stop(): void {
    this.#requests?.abort();
    this.#endPause();
  }
}

function bodyOf(text: string): { readonly frames: readonly JsonObject[]; readonly close: number | null } {
  const body = parseJson(text);
  if (!isObject(body) || !isArray(body.frames)) throw new TypeError("no frames");
  const frames = body.frames.filter((frame) => isObject(frame));
  if (frames.length < body.frames.length) throw new TypeError("a frame that is none");
  return { frames, close: typeof body.close === "number" ? body.close : null };
}
