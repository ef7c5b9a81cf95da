import "/swain-components.js";
import { createClient } from "/swain.js";

const client = createClient({
  shapes: [{ table: "notes" }, { table: "people" }],
  inbox: true,
  transports: ["websocket"],
  firstDelayMs: 200,
});
await client.start();
// The story plays the person: it signs in, pulls the cable and edits.
globalThis.client = client;

const people = client.query("people");
const notes = client.query("notes", { orderBy: [["id", "asc"]] });
const box = document.querySelector("swain-inbox");
box.client = client;
const name = (id) => people.getSnapshot().find((one) => one.id === id)?.name ?? "somebody";

const list = document.querySelector("#notes");
const draw = () => {
  const { state, pending } = client.status.getSnapshot();
  document.querySelector("#state").textContent = `${state}, ${pending} pending`;
  for (const [at, note] of notes.getSnapshot().entries()) {
    const place = list.children[at] ?? list.appendChild(noteField());
    const input = place.querySelector("input");
    input.dataset.id = note.id;
    if (input !== document.activeElement) input.value = note.title;
  }
  box.names = name;
};

function noteField() {
  const place = document.createElement("li");
  const label = document.createElement("label");
  const input = document.createElement("input");
  label.append("Title", input);
  input.onchange = () => client.table("notes").update(input.dataset.id, { title: input.value });
  place.append(label);
  return place;
}

for (const watched of [people, notes, client.status]) watched.subscribe(draw);
draw();
