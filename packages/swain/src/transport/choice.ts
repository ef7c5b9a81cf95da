import { type Fallback, PICK_TIMES, Picker, type PickTimes, type TransportKind } from "../engine/picker.js";
import type { Environment } from "../environment.js";
import { SwainError } from "../error.js";
import { rememberedFallback, rememberFallback } from "./fallback.js";
import { gunzip } from "./gunzip.js";
import { type Credentials, type HttpOptions, ShapeLists } from "./http.js";
import { PickingTransport } from "./picking.js";
import { PollTransport } from "./poll.js";
import { SseTransport } from "./sse.js";
import type { Transport } from "./transport.js";
import { WebSocketTransport } from "./websocket.js";

/** What an application says about transports. */
export interface TransportOptions {
  /** C17: in order of preference; a single one means no fallback. Default: all three. */
  readonly transports?: readonly TransportKind[];
  /** Whether the server may compress what it sends. Default true. */
  readonly compression?: boolean;
  /** How requests say who it is, besides WebSocket: by a header, or by the cookie of the sign-in. */
  readonly credentials?: Credentials;
}

/** C17: how long things may take, ms. */
export interface TransportTimes extends PickTimes {
  /** Without a welcome so long, an attempt is lost. */
  readonly welcomeMs: Readonly<Record<TransportKind, number>>;
  /** Between polls that do not wait. */
  readonly pollPauseMs: number;
}

const TIMES: TransportTimes = {
  ...PICK_TIMES,
  // The poll is the last resort, and the session itself gives an attempt up after 20 s.
  welcomeMs: { websocket: 10_000, sse: 5_000, poll: 20_000 },
  pollPauseMs: 5_000,
};

const ALL: readonly TransportKind[] = ["websocket", "sse", "poll"];

/** Throws `bad_options`. */
export function pickingTransport(
  environment: Environment,
  origin: string,
  options: TransportOptions,
  debug: (line: string) => void,
): PickingTransport {
  const kinds = checked(options.transports ?? ALL);
  const times: TransportTimes = { ...TIMES, ...environment.transportTimes };
  const picker = new Picker(kinds, times);
  const { localStorage } = environment;
  const fallback = rememberedFallback(localStorage, origin);
  if (fallback !== null) picker.resume(environment.now(), fallback);
  const compression = options.compression ?? true;
  const lists = new ShapeLists();
  const http: HttpOptions = {
    origin,
    fetch: (url, init) => environment.fetch(url, init),
    credentials: options.credentials ?? "bearer",
    compression,
  };
  const wait = {
    seconds: () => picker.waitSeconds,
    handleCut: () => {
      picker.handleWaitCut(environment.now());
      picking.planReturn();
    },
  };
  const make: Readonly<Record<TransportKind, () => Transport>> = {
    websocket: () => {
      const newSocket = (url: string) => environment.socket(url);
      return new WebSocketTransport({
        origin,
        newSocket,
        gunzip: compression && environment.hasGunzip ? gunzip : null,
      });
    },
    sse: () => new SseTransport({ ...http, eventStream: environment.eventStream }, lists),
    poll: () => new PollTransport({ ...http, clock: environment, wait, pauseMs: times.pollPauseMs }, lists),
  };
  const transports = new Map(kinds.map((kind) => [kind, make[kind]()] as const));
  const { welcomeMs } = times;
  const remember = (now: Fallback | null): void => rememberFallback(localStorage, origin, now);
  const picking = new PickingTransport({ transports, picker, clock: environment, welcomeMs, remember, debug });
  return picking;
}

function checked(kinds: readonly TransportKind[]): readonly [TransportKind, ...TransportKind[]] {
  const [first, ...rest] = kinds;
  const unknown = kinds.find((kind) => !ALL.includes(kind));
  if (first === undefined || unknown !== undefined || new Set(kinds).size < kinds.length) {
    const given = JSON.stringify(kinds);
    throw new SwainError("bad_options", `transports is a list of ${ALL.join(", ")}, each once, and not ${given}.`);
  }
  return [first, ...rest];
}
