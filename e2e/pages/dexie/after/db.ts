import Dexie, { type EntityTable } from "dexie";
import { clientOf, swain } from "swain/dexie";

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

export const db = new Dexie("boathouse", { addons: [swain({ signedIn: true })] }) as Dexie & {
  clubs: EntityTable<Club, "id">;
  boats: EntityTable<Boat, "id">;
  outings: EntityTable<Outing, "id">;
};

db.version(1).stores({
  clubs: "++id, name",
  boats: "++id, clubId, name",
  outings: "++id, boatId",
});

const { auth } = clientOf(db);
if (auth.getSnapshot() === null) {
  const [email, password] = [prompt("E-mail") ?? "", prompt("Password") ?? ""];
  auth.login({ email, password }).catch((error) => alert(error.message));
}
