// Every table, live: what somebody changes here, everybody else sees, and it works offline, too.
// A beginning to look at and to change; the tables and their columns are in tables.js.
import { createClient } from "/swain.js";
import { TABLES } from "/tables.js";

const client = createClient({ shapes: Object.keys(TABLES).map((table) => ({ table })) });
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

/** Says what is wrong with an edit; the edit itself was not made. */
function attempt(edit) {
  find("problem").textContent = "";
  try {
    edit();
  } catch (error) {
    find("problem").textContent = error.message;
  }
}

function input(column, attributes) {
  const types = { boolean: "checkbox", number: "number" };
  const type = types[column.kind] ?? "text";
  const step = column.kind === "number" ? { step: "any" } : {};
  return h("input", { type, placeholder: column.name, autocomplete: "off", ...step, ...attributes });
}

function read(column, element) {
  if (column.kind === "boolean") return element.checked;
  if (element.value === "") return column.null ? null : column.kind === "text" ? "" : undefined;
  if (column.kind === "number") return Number(element.value);
  return column.kind === "json" ? JSON.parse(element.value) : element.value;
}

function show(column, element, value) {
  if (element === document.activeElement) return;
  if (column.kind === "boolean") element.checked = value === true;
  else element.value = value === null || value === undefined ? "" : column.kind === "json" ? JSON.stringify(value) : value;
}

/** Each with the name of its column above. */
function labelled(columns, fields) {
  return columns.map((column, index) => h("label", {}, h("small", {}, column.name), fields[index]));
}

/** A table: its rows, which stay where they are while somebody types, and a form for a new one. */
function section(name, { key, columns }) {
  const rows = client.query(name, { orderBy: key.map((column) => [column, "asc"]) });
  const list = h("ul", {});
  const shown = new Map();
  const visible = columns.filter((column) => !column.drawn);
  const keyOf = (row) => (key.length === 1 ? row[key[0]] : key.map((column) => row[column]));

  function item(row) {
    const place = keyOf(row);
    const fields = visible.map((column) => {
      const change = () => attempt(() => client.table(name).update(place, { [column.name]: read(column, field) }));
      const field = input(column, { onchange: change, disabled: column.readonly || key.includes(column.name) });
      return field;
    });
    const take = () => attempt(() => client.table(name).delete(place));
    const remove = h("button", { type: "button", class: "remove", "aria-label": "Delete", onclick: take }, "×");
    return { element: h("li", { class: "fields" }, ...labelled(visible, fields), remove), fields };
  }

  function draw() {
    const now = rows.getSnapshot();
    const present = new Set(now.map((row) => JSON.stringify(keyOf(row))));
    for (const [place, { element }] of shown) {
      if (present.has(place)) continue;
      element.remove();
      shown.delete(place);
    }
    for (const row of now) {
      const place = JSON.stringify(keyOf(row));
      if (!shown.has(place)) shown.set(place, item(row));
      const { element, fields } = shown.get(place);
      visible.forEach((column, index) => show(column, fields[index], row[column.name]));
      if (!element.isConnected) list.append(element);
    }
  }

  const open = visible.filter((column) => !column.readonly);
  const fields = open.map((column) => input(column, {}));
  const add = (event) => {
    event.preventDefault();
    attempt(() => {
      const given = open.map((column, index) => [column.name, read(column, fields[index])]);
      client.table(name).insert(Object.fromEntries(given.filter(([, value]) => value !== undefined)));
      event.target.reset();
    });
  };
  const form = h("form", { class: "fields", onsubmit: add }, ...labelled(open, fields), h("button", { type: "submit" }, "Add"));
  rows.subscribe(draw);
  return { element: h("article", { "data-table": name }, h("h2", {}, name), list, form), draw };
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
  for (const id of ["tables", "sign-out"]) find(id).hidden = !isSignedIn;
}

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
find("sign-out").addEventListener("click", () => client.auth.logout());

// What this device holds is shown first; then it connects, and goes on trying for ever.
await client.start();
for (const [name, table] of Object.entries(TABLES)) {
  const { element, draw } = section(name, table);
  find("tables").append(element);
  draw();
}
drawStatus();
drawPeople();
