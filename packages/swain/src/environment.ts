import type { TransportTimes } from "./transport/choice.js";
import type { EventStream } from "./transport/sse.js";
import type { Socket } from "./transport/websocket.js";

/** What the library takes from the page; tests give their own. */
export interface Environment {
  /** ms since 1970, by the device's clock. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  uuid(): string;
  /** Calls once after `ms`; returns what stops it. */
  setTimer(ms: number, call: () => void): () => void;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  socket(url: string): Socket;
  /** With the cookies of the page; null: this browser has no EventSource. */
  readonly eventStream: ((url: string) => EventStream) | null;
  /** Whether this browser has DecompressionStream. */
  readonly hasGunzip: boolean;
  /** Instead of those of C17. */
  readonly transportTimes: Partial<TransportTimes>;
  /** Without it nothing is kept. */
  readonly hasIndexedDB: boolean;
  /** Null: no Web Locks here (an insecure context). */
  readonly locks: Locks | null;
  /** Null: no BroadcastChannel here. */
  readonly channel: ((name: string) => Channel) | null;
  /** Null: forbidden or missing. */
  readonly localStorage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null;
  /** Null outside a page. */
  readonly page: Page | null;
}

export interface Locks {
  request(name: string, options: LockRequest, held: () => Promise<void>): Promise<unknown>;
}

export interface LockRequest {
  readonly mode: "exclusive";
  readonly steal?: boolean;
  readonly signal?: AbortSignal;
}

export interface Channel {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** What happens to the page. Each method returns what stops listening. */
export interface Page {
  isVisible(): boolean;
  /** Online, visible again, or shown without a reload. */
  onWake(call: () => void): () => void;
  /** There is a network again, perhaps another one. */
  onOnline(call: () => void): () => void;
  onHide(call: () => void): () => void;
  /** Not seen any longer, and still there. */
  onHidden(call: () => void): () => void;
  /** Back from the back/forward cache. */
  onRestore(call: () => void): () => void;
  /** Another tab changed this name in localStorage. */
  onStored(name: string, call: () => void): () => void;
  /** Shows a client to the developer's panel, which may come later. */
  offer(client: object): () => void;
}

export function browserEnvironment(): Environment {
  const hasPage = typeof window !== "undefined" && typeof document !== "undefined";
  const locks = typeof navigator === "undefined" ? undefined : navigator.locks;
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    uuid: randomUuid,
    setTimer: (ms, call) => {
      const id = setTimeout(call, Math.min(ms, TIMER_MAX_MS));
      return () => clearTimeout(id);
    },
    fetch: (url, init) => fetch(url, init),
    socket: (url) => new WebSocket(url) as Socket,
    eventStream: typeof EventSource === "undefined" ? null : newEventSource,
    hasGunzip: typeof DecompressionStream !== "undefined",
    transportTimes: {},
    hasIndexedDB: typeof indexedDB !== "undefined",
    locks: locks === undefined ? null : { request: (name, options, held) => locks.request(name, options, held) },
    channel: typeof BroadcastChannel === "undefined" ? null : (name) => new BroadcastChannel(name) as Channel,
    localStorage: localStorageOrNull(),
    page: hasPage ? browserPage() : null,
  };
}

function newEventSource(url: string): EventStream {
  return new EventSource(url, { withCredentials: true }) as EventStream;
}

/** Beyond, setTimeout calls at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

function browserPage(): Page {
  return {
    isVisible: () => document.visibilityState === "visible",
    onWake: (call) => {
      const whenVisible = (): void => {
        if (document.visibilityState === "visible") call();
      };
      const stops = [
        listen(window, "online", call),
        listen(window, "pageshow", call),
        listen(document, "visibilitychange", whenVisible),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
    onOnline: (call) => listen(window, "online", call),
    onHidden: (call) =>
      listen(document, "visibilitychange", () => {
        if (document.visibilityState === "hidden") call();
      }),
    onHide: (call) => listen(window, "pagehide", call),
    onRestore: (call) =>
      listen(window, "pageshow", (event) => {
        if (event instanceof PageTransitionEvent && event.persisted) call();
      }),
    onStored: (name, call) =>
      listen(window, "storage", (event) => {
        if (event instanceof StorageEvent && event.key === name) call();
      }),
    offer,
  };
}

/** An event and not a global, so that the two scripts need no order and nothing stays behind. */
function offer(client: object): () => void {
  const say = (): unknown => window.dispatchEvent(new CustomEvent("swain:client", { detail: client }));
  say();
  return listen(window, "swain:devtools", say);
}

function listen(target: EventTarget, name: string, call: (event: Event) => void): () => void {
  target.addEventListener(name, call);
  return () => target.removeEventListener(name, call);
}

/** crypto.randomUUID is missing in insecure contexts. */
function randomUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function localStorageOrNull(): Environment["localStorage"] {
  try {
    return typeof localStorage === "undefined" ? null : localStorage;
  } catch {
    return null;
  }
}
