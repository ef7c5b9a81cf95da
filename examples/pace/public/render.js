// Draws descriptions of elements. Nothing here knows about Swain.
// Data becomes text nodes and attributes, never markup.

/** An element: `h("button", { key, onclick, "data-testid": "sync" }, "Sync")`. False and null children are left out. */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, children: listed(children) };
}

/** Makes the children of `parent` what is described. What stays keeps its element, and with it focus and scroll. */
export function render(parent, ...children) {
  const focused = document.activeElement;
  patch(parent, listed(children));
  if (focused !== null && focused !== document.activeElement && focused.isConnected) {
    focused.focus({ preventScroll: true });
  }
}

/** From element to the description it was last drawn from. */
const drawn = new WeakMap();

function patch(parent, children) {
  const free = new Map();
  for (const node of parent.childNodes) {
    const name = drawn.has(node) ? nameOf(drawn.get(node)) : node.nodeName;
    free.set(name, [...(free.get(name) ?? []), node]);
  }
  const wanted = children.map((child) => {
    const node = free.get(nameOf(child))?.shift() ?? create(child);
    update(node, child);
    return node;
  });
  for (const nodes of free.values()) for (const node of nodes) node.remove();
  let next = parent.firstChild;
  for (const node of wanted) {
    if (node === next) next = node.nextSibling;
    else parent.insertBefore(node, next);
  }
}

/** Elements of the same name may stand for each other. */
function nameOf(child) {
  return typeof child === "string" ? "#text" : `${child.tag} ${child.props.key ?? ""}`;
}

function create(child) {
  return typeof child === "string" ? document.createTextNode(child) : document.createElement(child.tag);
}

function update(node, child) {
  if (typeof child === "string") {
    if (node.data !== child) node.data = child;
    return;
  }
  const before = drawn.get(node)?.props ?? {};
  drawn.set(node, child);
  patch(node, child.children);
  for (const name of new Set([...Object.keys(before), ...Object.keys(child.props)])) {
    if (name !== "key") setProperty(node, name, child.props[name], before[name]);
  }
}

function setProperty(node, name, value, before) {
  if (name === "value" && value !== undefined) {
    const isTyping = node === document.activeElement && before !== undefined && node.value !== String(before);
    if (!isTyping && node.value !== String(value)) node.value = value;
  } else if (name === "defaultValue") {
    node.defaultValue = value; // What a form starts with; what was typed since then stays.
  } else if (name.startsWith("on")) {
    node[name] = value ?? null;
  } else if (typeof (value ?? before) === "boolean") {
    if (node[name] !== (value ?? false)) node[name] = value ?? false;
  } else if (value === undefined || value === null) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

function listed(children) {
  return children
    .flat(Number.POSITIVE_INFINITY)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (typeof child === "object" ? child : String(child)));
}
