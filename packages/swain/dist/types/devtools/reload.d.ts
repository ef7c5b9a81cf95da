/**
 * Reloads the page when `swain dev` says that something changed: an event `reload` whose data says what.
 * An event `problem` says why what was saved cannot be used; its text goes to `tell`.
 * One tab listens for all of them, because a browser opens six connections to a host and no more.
 */
export declare function reloadOnSave(tell: (problem: string) => void): void;
