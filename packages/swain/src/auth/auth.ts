import { isObject, type Json, parseJson } from "../engine/json.js";
import type { Environment } from "../environment.js";
import { SwainError } from "../error.js";

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly role: string;
}

interface Access {
  readonly token: string;
  /** By the device's clock, ms. */
  readonly ends: number;
}

/** An access token is not used in its last moments. */
const MARGIN_MS = 30_000;

/**
 * P17, P18: accounts over /api/auth. The refresh token is a cookie that no script sees, the access token lives in
 * memory only, and who was signed in last is remembered, so that a reload offline finds the right store.
 */
export class Auth {
  readonly #environment: Environment;
  readonly #origin: string;
  readonly #name: string;
  readonly #changed: () => void;
  #user: User | null;
  #access: Access | null = null;
  #refreshing: Promise<string> | null = null;

  /** `changed`: somebody else, or nobody, is signed in now. */
  constructor(environment: Environment, origin: string, changed: () => void) {
    this.#environment = environment;
    this.#origin = origin;
    this.#name = `swain:user:${origin}`;
    this.#changed = changed;
    this.#user = this.#remembered();
  }

  get user(): User | null {
    return this.#user;
  }

  /** The name in localStorage; another tab may change it. */
  get storageName(): string {
    return this.#name;
  }

  async signup(input: { readonly email: string; readonly password: string; readonly name?: string }): Promise<User> {
    return this.#adopt(await this.#post("signup", input));
  }

  async login(input: { readonly email: string; readonly password: string }): Promise<User> {
    return this.#adopt(await this.#post("login", input));
  }

  async changePassword(input: { readonly current: string; readonly next: string }): Promise<User> {
    return this.#adopt(await this.#post("password", input, await this.token(false)));
  }

  /** A mail with a link, if somebody has this address; nobody is told whether. */
  async requestReset(email: string): Promise<void> {
    await this.#post("reset", { email });
  }

  async resetPassword(input: { readonly token: string; readonly password: string }): Promise<User> {
    return this.#adopt(await this.#post("reset", input));
  }

  /** Null: a mail with a link to the own address. */
  async verify(token: string | null): Promise<void> {
    await (token === null ? this.#post("verify", {}, await this.token(false)) : this.#post("verify", { token }));
  }

  /** Signed out on this device even when the server is not reached; `everywhere` only when it is, or nothing would end elsewhere. */
  async logout(everywhere: boolean): Promise<void> {
    if (everywhere) await this.#post("logout", { everywhere }, await this.token(false));
    this.#access = null;
    this.#become(null);
    if (!everywhere) await this.#post("logout", {}).catch(() => undefined);
  }

  /** Somebody signed in or out in another tab. */
  handleStored(): void {
    const user = this.#remembered();
    if (user?.id === this.#user?.id) return;
    this.#access = null;
    this.#become(user);
  }

  /** Null: nobody is signed in. Throws `offline`, or the code with which the server refused. */
  async token(fresh: boolean): Promise<string | null> {
    if (this.#user === null) return null;
    const access = this.#access;
    if (!fresh && access !== null && access.ends - MARGIN_MS > this.#environment.now()) return access.token;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** A refresh token is used once; two tabs do not use the same one at the same time. */
  async #refresh(): Promise<string> {
    const user = this.#user;
    const answer = await this.#locked(() => this.#post("refresh", {}));
    if (this.#user !== user) throw new SwainError("offline", "Somebody else signed in meanwhile.");
    const now = this.#adopt(answer);
    // The cookie is another person's: their store is opened instead, and this connection is not made.
    if (now.id !== user?.id) throw new SwainError("offline", "Somebody else is signed in.");
    return this.#access?.token ?? "";
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const { locks } = this.#environment;
    if (locks === null) return work();
    let result: { readonly value: T } | null = null;
    await locks.request(`swain:auth:${this.#origin}`, { mode: "exclusive" }, async () => {
      result = { value: await work() };
    });
    return (result as unknown as { readonly value: T }).value;
  }

  async #post(path: string, body: object, bearer?: string | null): Promise<Json> {
    let response: Response;
    let text: string;
    try {
      response = await this.#environment.fetch(`${this.#origin}/api/auth/${path}`, {
        method: "POST",
        credentials: "include",
        headers: { "content-type": "application/json", ...(bearer && { authorization: `Bearer ${bearer}` }) },
        body: JSON.stringify(body),
      });
      text = await response.text();
    } catch (error) {
      throw new SwainError("offline", "The server was not reached.", null, error);
    }
    if (response.ok) return text === "" ? null : parseJson(text);
    throw refusal(response.status, text);
  }

  #adopt(answer: Json): User {
    const { user, access, expires, now } = isObject(answer) ? answer : {};
    if (!isObject(user) || typeof user.id !== "string" || typeof access !== "string") {
      throw new SwainError("bad_answer", "The server's answer to the sign-in is not understood.");
    }
    const lasts = typeof expires === "number" && typeof now === "number" ? expires - now : 0;
    this.#access = { token: access, ends: this.#environment.now() + lasts };
    const signedIn = toUser(user.id, user);
    this.#become(signedIn);
    return signedIn;
  }

  #become(user: User | null): void {
    const isSame = JSON.stringify(user) === JSON.stringify(this.#user);
    this.#user = isSame ? this.#user : user;
    try {
      const { localStorage } = this.#environment;
      if (user === null) localStorage?.removeItem(this.#name);
      else localStorage?.setItem(this.#name, JSON.stringify(user));
    } catch {
      // Without room in localStorage the person signs in again after a reload; nothing else is lost.
    }
    if (!isSame) this.#changed();
  }

  #remembered(): User | null {
    try {
      const text = this.#environment.localStorage?.getItem(this.#name) ?? null;
      return text === null ? null : rememberedUser(parseJson(text));
    } catch {
      return null;
    }
  }
}

function rememberedUser(user: Json): User | null {
  return isObject(user) && typeof user.id === "string" ? toUser(user.id, user) : null;
}

function toUser(id: string, from: Readonly<Record<string, Json>>): User {
  const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");
  const name = typeof from.name === "string" ? from.name : null;
  return { id, email: text(from.email), name, role: text(from.role) };
}

/** Overload, a proxy's error page and the like say nothing about the person: try again later. */
function refusal(status: number, text: string): SwainError {
  if (status >= 500 || status === 429 || status === 408) {
    return new SwainError("offline", `The server answered ${status}.`);
  }
  let problem: Json = null;
  try {
    problem = parseJson(text);
  } catch {
    // Not from our server.
  }
  const body = isObject(problem) ? problem : {};
  const code = typeof body.code === "string" ? body.code : `http_${status}`;
  const title = typeof body.title === "string" ? body.title : `The server answered ${status}.`;
  return new SwainError(code, title, body.detail ?? null);
}
