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
    onmessage: ((event: {
        readonly data: unknown;
    }) => void) | null;
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
export declare function browserEnvironment(): Environment;
