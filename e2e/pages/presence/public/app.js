import "/swain-components.js";
import { createClient } from "/swain.js";
import { joinRoom } from "/swain-presence.js";

const client = createClient({ shapes: [{ table: "tasks" }, { table: "members" }], firstDelayMs: 50 });
await client.start();
// The story plays the person: it signs in, and moves memberships.
globalThis.client = client;

const room = joinRoom(client, "tasks", { project: "p" });
document.querySelector("swain-presence").room = room;

const mine = { row: null, cursor: null };
const tell = (news) => room.set(Object.assign(mine, news));
addEventListener("pointermove", ({ clientX, clientY }) => tell({ cursor: [clientX, clientY] }));

const tasks = client.query("tasks", { orderBy: [["id", "asc"]] });
const list = document.querySelector("#tasks");
const cursors = document.querySelector("#cursors");

function draw() {
  const others = room.others.getSnapshot();
  document.querySelector("#state").textContent = `${client.status.getSnapshot().state}, ${others.length} others`;
  const rows = tasks.getSnapshot();
  while (list.children.length > rows.length) list.lastChild.remove();
  for (const [at, task] of rows.entries()) {
    const place = list.children[at] ?? list.appendChild(newPlace());
    place.querySelector("span").textContent = task.title;
    place.querySelector("input").dataset.id = task.id;
    const here = others.filter(({ row }) => row?.[0] === task.id).map(({ name }) => name);
    place.querySelector(".on").textContent = here.length === 0 ? "" : `${here.join(", ")} on ${task.title}`;
  }
  const marks = others.filter(({ state }) => state.cursor);
  cursors.replaceChildren(...marks.map(({ state }) => cursor(state.cursor)));
}

function newPlace() {
  const place = document.createElement("li");
  const label = document.createElement("label");
  const input = document.createElement("input");
  const on = document.createElement("p");
  on.className = "on";
  label.append(document.createElement("span"), input);
  input.onfocus = () => tell({ row: input.dataset.id });
  place.append(label, on);
  return place;
}

function cursor([x, y]) {
  const mark = document.createElement("i");
  mark.style.transform = `translate(${x - 6}px, ${y - 6}px)`;
  mark.dataset.at = `${x} ${y}`;
  return mark;
}

for (const watched of [client.status, tasks, room.others]) watched.subscribe(draw);
draw();
