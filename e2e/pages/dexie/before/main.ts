import { liveQuery } from "dexie";
import { db } from "./db";

function draw(name: string, lines: readonly string[]) {
  const items = lines.map((line) => Object.assign(document.createElement("li"), { textContent: line }));
  document.querySelector(`#${name}`)?.replaceChildren(...items);
}

liveQuery(async () => {
  const [clubs, boats, outings] = await Promise.all([
    db.clubs.orderBy("name").toArray(),
    db.boats.orderBy("name").toArray(),
    db.outings.toArray(),
  ]);
  const boatOf = (id: number) => boats.find((boat) => boat.id === id);
  return {
    clubs: clubs.map(({ name }) => name),
    boats: boats.map((boat) => {
      const club = clubs.find(({ id }) => id === boat.clubId);
      return `${boat.name} of ${club?.name ?? "nobody"}, ${boat.addedAt.getFullYear()}`;
    }),
    outings: outings
      .map(({ boatId, note, done }) => `${note} in ${boatOf(boatId)?.name ?? "no boat"}${done ? ", done" : ""}`)
      .sort(),
  };
}).subscribe((lines) => {
  for (const [name, texts] of Object.entries(lines)) draw(name, texts);
});

/** A club with its boat, and an outing in it. */
async function addAll(club: string) {
  await db.transaction("rw", db.clubs, db.boats, db.outings, async () => {
    const clubId = await db.clubs.add({ name: club });
    const boatId = await db.boats.add({ clubId, name: `${club}'s eight`, addedAt: new Date(2020, 5, 1) });
    await db.outings.add({ boatId, note: `${club}'s first`, done: false });
  });
}

document.querySelector("form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const input = document.querySelector("input");
  if (input !== null) addAll(input.value);
});
document.querySelector("#done")?.addEventListener("click", () => {
  db.outings.toCollection().modify({ done: true });
});
