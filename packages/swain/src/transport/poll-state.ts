import { isArray, isObject, type Json, type JsonObject } from "../engine/json.js";
import { type Hello, textOf } from "./http.js";

/** What all welcomes of one connection agree in; another one is for the session to judge. */
interface Greeting {
  readonly who: string;
  /** By index; a load that ends makes them live. */
  readonly live: readonly boolean[];
}

/** P21: what makes many polls one connection. Reads what comes, and says hello for the next. */
export class PollState {
  #hello: Hello;
  #greeting: Greeting | null = null;
  #tag: string | null = null;
  #isCurrent = false;
  /** What the last frame that moved the cursor said of it. */
  #moved: JsonObject | null = null;
  #expires: Json = null;
  #toldExpires: Json = null;
  /** P25: what the session has heard of keys. */
  readonly #aliases = new Set<string>();

  constructor(hello: Hello) {
    this.#hello = hello;
  }

  get hello(): Hello {
    return this.#hello;
  }

  /** Of the state that the device is in; null: the server is to answer whole. */
  get tag(): string | null {
    return this.#isCurrent ? this.#tag : null;
  }

  /** Everything up to the head had come with the last poll, and perhaps what it waited for. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** What the session gets for a frame; `changed`: the session must say hello itself. */
  handle(frame: JsonObject): readonly Json[] | "changed" {
    const [kind = "", body = null] = Object.entries(frame)[0] ?? [];
    if (!isObject(body)) return [frame];
    if (kind === "welcome") this.#isCurrent = false;
    if (kind === "caught_up") this.#isCurrent = true;
    if (kind === "welcome") return this.#handleWelcome(frame, body);
    this.#hearAliases(body);
    if (kind === "load") this.#hello = { ...this.#hello, load: textOf(body.token) ?? this.#hello.load };
    if (kind === "load_end") this.#endLoad(body);
    if (typeof body.cursor === "string") this.#move(body.cursor, body);
    return kind === "caught_up" ? [frame, ...this.#news()] : [frame];
  }

  handleEnd(tag: string | null): void {
    this.#tag = tag;
  }

  /** The server knows that this device is current: a sign of life, like a heartbeat. */
  nothingNew(): readonly Json[] {
    return this.#moved === null ? [] : [{ heartbeat: this.#moved }];
  }

  #handleWelcome(frame: JsonObject, body: JsonObject): readonly Json[] | "changed" {
    const states = isArray(body.shapes) ? body.shapes : [];
    const live = states.map((state) => isObject(state) && state.state === "live");
    const greeting = { who: JSON.stringify([body.epoch, body.user, body.role, body.device]), live };
    this.#expires = body.expires ?? null;
    if (this.#greeting !== null) return this.#isSame(this.#greeting, greeting, body) ? [] : "changed";
    this.#greeting = greeting;
    this.#hearAliases(body);
    this.#toldExpires = this.#expires;
    const { schema } = body;
    const version = isObject(schema) && typeof schema.version === "number" ? schema.version : this.#hello.schema;
    this.#hello = { ...this.#hello, schema: version, load: body.load === "resume" ? this.#hello.load : null };
    return [frame];
  }

  #isSame(before: Greeting, now: Greeting, body: JsonObject): boolean {
    const isLoading = before.live.some((isLive) => !isLive);
    const load = !isLoading ? null : this.#hello.load === null ? "start" : "resume";
    const goesOn = (body.load ?? null) === load && (body.schema ?? null) === null;
    // What the log brings needs no welcome; while a load goes on, only a welcome tells what became of a key.
    if (isLoading && aliasTexts(body).some((alias) => !this.#aliases.has(alias))) return false;
    return goesOn && before.who === now.who && JSON.stringify(before.live) === JSON.stringify(now.live);
  }

  #hearAliases(body: JsonObject): void {
    for (const alias of aliasTexts(body)) this.#aliases.add(alias);
  }

  #endLoad(body: JsonObject): void {
    const ended = isArray(body.shapes) ? body.shapes : [];
    if (this.#greeting === null) return;
    const live = this.#greeting.live.map((isLive, index) => isLive || ended.includes(index));
    this.#greeting = { ...this.#greeting, live };
    if (live.every((isLive) => isLive)) this.#hello = { ...this.#hello, load: null };
  }

  #move(cursor: string, { pos = null, tag = null, acked = 0 }: JsonObject): void {
    this.#moved = { cursor, pos, tag, acked };
    const known = typeof acked === "number" ? Math.max(acked, this.#hello.acked) : this.#hello.acked;
    this.#hello = { ...this.#hello, cursor, acked: known };
  }

  /** The end of the token came with a welcome that the session does not see. */
  #news(): readonly Json[] {
    if (this.#expires === null || this.#expires === this.#toldExpires || this.#moved === null) return [];
    this.#toldExpires = this.#expires;
    return [{ heartbeat: { ...this.#moved, expires: this.#expires } }];
  }
}

function aliasTexts(body: JsonObject): readonly string[] {
  return isArray(body.alias) ? body.alias.map((alias) => JSON.stringify(alias)) : [];
}
