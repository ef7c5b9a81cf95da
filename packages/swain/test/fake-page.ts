import type { Channel, Environment, LockRequest, Locks, Page } from "../src/environment";
import type { Socket } from "../src/transport/websocket";

/** Web Locks of one origin, for tests. */
export class FakeLocks implements Locks {
  readonly #queues = new Map<string, Waiting[]>();
  readonly #holders = new Map<string, Waiting>();

  request(name: string, options: LockRequest, held: () => Promise<void>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { held, resolve, reject };
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      if (options.steal === true) {
        const holder = this.#holders.get(name);
        this.#holders.delete(name);
        holder?.reject(new DOMException("stolen", "AbortError"));
        queue.unshift(waiting);
      } else {
        queue.push(waiting);
      }
      options.signal?.addEventListener("abort", () => {
        if (!queue.includes(waiting)) return;
        queue.splice(queue.indexOf(waiting), 1);
        reject(new DOMException("aborted", "AbortError"));
      });
      this.#next(name);
    });
  }

  #next(name: string): void {
    if (this.#holders.has(name)) return;
    const next = this.#queues.get(name)?.shift();
    if (next === undefined) return;
    this.#holders.set(name, next);
    queueMicrotask(() => {
      next
        .held()
        .then(next.resolve, next.reject)
        .finally(() => {
          if (this.#holders.get(name) === next) this.#holders.delete(name);
          this.#next(name);
        });
    });
  }
}

interface Waiting {
  held(): Promise<void>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The BroadcastChannels of one origin. `lose` makes a message disappear. */
export class FakeChannels {
  readonly #open = new Set<FakeChannel>();
  lose: (message: unknown) => boolean = () => false;

  readonly channel = (name: string): Channel => {
    const channel = new FakeChannel(name, this);
    this.#open.add(channel);
    return channel;
  };

  post(from: FakeChannel, message: unknown): void {
    if (this.lose(message)) return;
    for (const to of this.#open) {
      if (to === from || to.name !== from.name) continue;
      const copy: unknown = structuredClone(message);
      queueMicrotask(() => {
        if (this.#open.has(to)) to.onmessage?.({ data: copy });
      });
    }
  }

  close(channel: FakeChannel): void {
    this.#open.delete(channel);
  }
}

class FakeChannel implements Channel {
  readonly name: string;
  readonly #channels: FakeChannels;
  onmessage: Channel["onmessage"] = null;

  constructor(name: string, channels: FakeChannels) {
    this.name = name;
    this.#channels = channels;
  }

  postMessage(message: unknown): void {
    this.#channels.post(this, message);
  }

  close(): void {
    this.#channels.close(this);
  }
}

export class FakePage implements Page {
  visible = true;
  readonly #calls = new Map<string, Set<() => void>>();

  isVisible(): boolean {
    return this.visible;
  }
  onWake(call: () => void): () => void {
    return this.#on("wake", call);
  }
  onOnline(call: () => void): () => void {
    return this.#on("online", call);
  }
  onHide(call: () => void): () => void {
    return this.#on("hide", call);
  }
  onHidden(call: () => void): () => void {
    return this.#on("hidden", call);
  }
  onRestore(call: () => void): () => void {
    return this.#on("restore", call);
  }
  onStored(name: string, call: () => void): () => void {
    return this.#on(`stored ${name}`, call);
  }
  offer(): () => void {
    return () => undefined;
  }

  fire(event: string): void {
    for (const call of [...(this.#calls.get(event) ?? [])]) call();
  }

  #on(event: string, call: () => void): () => void {
    const calls = this.#calls.get(event) ?? new Set();
    this.#calls.set(event, calls.add(call));
    return () => calls.delete(call);
  }
}

/** Timers that go off when the test says so. */
export class FakeClock {
  now = 1_700_000_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly call: () => void }>();

  readonly setTimer = (ms: number, call: () => void): (() => void) => {
    const timer = { at: this.now + ms, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.now = Math.max(this.now, next.at);
      next.call();
    }
    this.now = end;
  }
}

/** One browser profile: what its tabs share. */
export class Browser {
  readonly clock = new FakeClock();
  readonly locks = new FakeLocks();
  readonly channels = new FakeChannels();
  readonly localStorage = new FakeStorage();
  #ids = 0;

  tab(server: { socket(url: string): Socket; fetch: Environment["fetch"] }, page = new FakePage()): Environment {
    return {
      now: () => this.clock.now,
      random: () => 0.5,
      uuid: () => {
        this.#ids += 1;
        return `00000000-0000-4000-8000-${String(this.#ids).padStart(12, "0")}`;
      },
      setTimer: this.clock.setTimer,
      fetch: server.fetch,
      socket: (url) => server.socket(url),
      eventStream: null,
      hasGunzip: true,
      transportTimes: {},
      hasIndexedDB: true,
      locks: this.locks,
      channel: this.channels.channel,
      localStorage: this.localStorage,
      page,
    };
  }
}

export class FakeStorage {
  readonly #items = new Map<string, string>();

  getItem(name: string): string | null {
    return this.#items.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    this.#items.set(name, value);
  }
  removeItem(name: string): void {
    this.#items.delete(name);
  }
}
