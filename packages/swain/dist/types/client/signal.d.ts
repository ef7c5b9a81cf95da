/** A value that can be watched, in the form that React's useSyncExternalStore and others take. */
export interface Watchable<T> {
    /** Calls after each change; returns what stops it. */
    subscribe(call: () => void): () => void;
    /** The same object until the value really changed. */
    getSnapshot(): T;
}
export declare class Signal<T> implements Watchable<T> {
    #private;
    constructor(value: T);
    readonly subscribe: (call: () => void) => (() => void);
    readonly getSnapshot: () => T;
    set(value: T): void;
}
/** What is worked out of something that is watched; equal values keep the snapshot. */
export declare class Derived<S, T> implements Watchable<T> {
    readonly subscribe: Watchable<T>["subscribe"];
    readonly getSnapshot: () => T;
    constructor(source: Watchable<S>, derive: (value: S) => T);
}
/** An error in a callback of the application is reported, and does not stop the others or the engine. */
export declare function callAll<A extends readonly unknown[]>(calls: Iterable<(...args: A) => void>, ...args: A): void;
