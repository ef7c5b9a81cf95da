/** A value that can be watched, in the form that React's useSyncExternalStore and others take. */
export interface Watchable<T> {
  /** Calls after each change; returns what stops it. */
  subscribe(call: () => void): () => void;
  /** The same object until the value really changed. */
  getSnapshot(): T;
}

export class Signal<T> implements Watchable<T> {
  readonly #calls = new Set<() => void>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  readonly subscribe = (call: () => void): (() => void) => {
    this.#calls.add(call);
    return () => this.#calls.delete(call);
  };

  readonly getSnapshot = (): T => this.#value;

  set(value: T): void {
    if (value === this.#value) return;
    this.#value = value;
    callAll(this.#calls);
  }
}

/** What is worked out of something that is watched; equal values keep the snapshot. */
export class Derived<S, T> implements Watchable<T> {
  readonly subscribe: Watchable<T>["subscribe"];
  readonly getSnapshot: () => T;

  constructor(source: Watchable<S>, derive: (value: S) => T) {
    this.subscribe = (call) => {
      let last = derive(source.getSnapshot());
      return source.subscribe(() => {
        const now = derive(source.getSnapshot());
        if (now === last) return;
        last = now;
        call();
      });
    };
    this.getSnapshot = () => derive(source.getSnapshot());
  }
}

/** An error in a callback of the application is reported, and does not stop the others or the engine. */
export function callAll<A extends readonly unknown[]>(calls: Iterable<(...args: A) => void>, ...args: A): void {
  for (const call of [...calls]) {
    try {
      call(...args);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
