import type { Json } from "../src/engine/json";

/** Where frames to somebody go. */
export interface Guest {
  send(message: Json): void;
}

interface Entry {
  readonly guest: Guest;
  readonly tab: string;
  readonly id: number;
  row: Json;
  state: Json;
}

type Said = Readonly<Record<string, Json>>;

/** P28 without rights and heartbeats: who is in which room. */
export class FakeRooms {
  refuse: (room: Json) => string | null = () => null;
  readonly #rooms = new Map<string, Map<string, Entry>>();
  readonly #names = new Map<Guest, string>();
  #ids = 0;

  say(guest: Guest, body: Said): void {
    const { tab = "", room, leave, row = null, state = {} } = body;
    if (leave === true) return this.leave(guest, String(tab), room);
    if (room === undefined) {
      if (!this.#isSomewhere(guest, String(tab))) guest.send({ presence: { tab, again: true } });
      return;
    }
    const code = this.refuse(room);
    if (code !== null) return guest.send({ presence: { tab, room, problem: { code, title: code, status: 403 } } });
    const text = JSON.stringify(room);
    const crowd = this.#rooms.get(text) ?? new Map<string, Entry>();
    this.#rooms.set(text, crowd);
    const name = this.#name(guest, String(tab));
    const known = crowd.get(name);
    this.#ids += 1;
    const entry = known ?? { guest, tab: String(tab), id: this.#ids, row, state };
    crowd.set(name, Object.assign(entry, { row, state }));
    const others = [...crowd.values()].filter((other) => other !== entry);
    if (known === undefined) guest.send(roomFrame(entry, room, others, [], true));
    for (const other of others) other.guest.send(roomFrame(other, room, [entry], [], false));
  }

  /** Every tab is asked whether it is still there. */
  ask(): void {
    const guests = new Set([...this.#rooms.values()].flatMap((crowd) => [...crowd.values()].map(({ guest }) => guest)));
    for (const guest of guests) guest.send({ presence: { ask: true } });
  }

  leave(guest: Guest, tab: string | null, room?: Json): void {
    for (const [text, crowd] of this.#rooms) {
      if (room !== undefined && text !== JSON.stringify(room)) continue;
      for (const [name, entry] of crowd) {
        if (entry.guest !== guest || (tab !== null && entry.tab !== tab)) continue;
        crowd.delete(name);
        for (const other of crowd.values()) {
          other.guest.send(roomFrame(other, JSON.parse(text) as Json, [], [entry.id], false));
        }
      }
    }
  }

  #isSomewhere(guest: Guest, tab: string): boolean {
    return [...this.#rooms.values()].some((crowd) => crowd.has(this.#name(guest, tab)));
  }

  #name(guest: Guest, tab: string): string {
    const name = this.#names.get(guest) ?? String(this.#names.size);
    this.#names.set(guest, name);
    return `${name}/${tab}`;
  }
}

function roomFrame({ tab }: Entry, room: Json, here: readonly Entry[], left: readonly number[], all: boolean): Json {
  const told = here.map(({ id, row, state }) => ({ id, user: `u${id}`, name: `User ${id}`, row, state }));
  return { presence: { tab, room, ...(all ? { all } : {}), here: told, left } };
}
