import Dexie, { type EntityTable } from "dexie";

export interface Club {
  id: number;
  name: string;
}

export interface Boat {
  id: number;
  clubId: number;
  name: string;
  addedAt: Date;
}

export interface Outing {
  id: number;
  boatId: number;
  note: string;
  done: boolean;
}

export const db = new Dexie("boathouse") as Dexie & {
  clubs: EntityTable<Club, "id">;
  boats: EntityTable<Boat, "id">;
  outings: EntityTable<Outing, "id">;
};

db.version(1).stores({
  clubs: "++id, name",
  boats: "++id, clubId, name",
  outings: "++id, boatId",
});
