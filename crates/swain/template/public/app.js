// Two tables, live: what somebody changes here, everybody else sees, and it works offline, too.
import { createClient } from "/swain.js";

const client = createClient({ shapes: [{ table: "lists" }, { table: "items" }] });
const lists = client.query("lists", { orderBy: [["title", "asc"]] });
const items = client.query("items", { orderBy: [["id", "asc"]] });

const find = (id) => document.getElementById(id);

/** An element with attributes, listeners and children. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function remove(table, row) {
  const take = () => client.table(table).delete(row.id);
  return h("button", { type: "button", class: "remove", "aria-label": `Delete ${row.title}`, onclick: take }, "×");
}

function item(row) {
  const change = (event) => client.table("items").update(row.id, { done: event.target.checked });
  const box = h("input", { type: "checkbox", checked: row.done, onchange: change });
  return h("li", { "data-id": row.id }, h("label", {}, box, h("span", {}, row.title)), remove("items", row));
}

/** Sections stay where they are, so that a half-typed word is not lost when somebody else adds a row. */
const sections = new Map();

function section(list) {
  const add = (event) => {
    event.preventDefault();
    const { title } = event.target.elements;
    client.table("items").insert({ list_id: list.id, title: title.value.trim(), done: false });
    title.value = "";
  };
  const rows = h("ul", {});
  const title = h("h2", {});
  const head = h("div", { class: "row" }, title, remove("lists", list));
  const input = h("input", { name: "title", "aria-label": "New item", placeholder: "New item", autocomplete: "off", required: true });
  const form = h("form", { class: "add", onsubmit: add }, input, h("button", { type: "submit" }, "Add"));
  return { element: h("article", { "data-id": list.id }, head, rows, form), title, rows };
}

function drawLists() {
  const all = lists.getSnapshot();
  const present = new Set(all.map((list) => list.id));
  for (const [id, { element }] of sections) {
    if (!present.has(id)) {
      element.remove();
      sections.delete(id);
    }
  }
  for (const list of all) {
    if (!sections.has(list.id)) sections.set(list.id, section(list));
    const { element, title, rows } = sections.get(list.id);
    title.textContent = list.title;
    rows.replaceChildren(...items.getSnapshot().filter((row) => row.list_id === list.id).map(item));
    if (!element.isConnected) find("lists").append(element);
  }
}

function drawStatus() {
  const { state, pending, refused } = client.status.getSnapshot();
  const words = [state];
  if (pending > 0) words.push(`${pending} to send`);
  if (refused > 0) words.push(`${refused} refused`);
  find("status").textContent = words.join(", ");
  find("status").dataset.state = state;
}

function drawPeople() {
  const isSignedIn = client.auth.getSnapshot() !== null;
  find("sign-in").hidden = isSignedIn;
  for (const id of ["lists", "new-list", "sign-out"]) find(id).hidden = !isSignedIn;
}

for (const source of [lists, items]) source.subscribe(drawLists);
client.status.subscribe(drawStatus);
client.auth.subscribe(drawPeople);

find("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = event.target.elements;
  find("problem").textContent = "";
  try {
    const way = event.submitter?.value === "signup" ? "signup" : "login";
    await client.auth[way]({ email: email.value, password: password.value });
    event.target.reset();
  } catch (error) {
    find("problem").textContent = error.message;
  }
});

find("new-list").addEventListener("submit", (event) => {
  event.preventDefault();
  const { title } = event.target.elements;
  client.table("lists").insert({ title: title.value.trim() });
  title.value = "";
});

find("sign-out").addEventListener("click", () => client.auth.logout());

// What this device holds is shown first; then it connects, and goes on trying for ever.
await client.start();
drawLists();
drawStatus();
drawPeople();
