type Child = Node | string | null;

/** An element with its attributes and children; text stays text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function button(label: string, attributes: Readonly<Record<string, string>>, call: () => void): HTMLElement {
  const made = element("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", call);
  return made;
}

let drawn = 0;

/** An id that no other element of the page has. */
export function newId(word: string): string {
  drawn += 1;
  return `swain-${word}-${drawn}`;
}
