type Child = Node | string | null;
/** An element with its attributes and children; text stays text. */
export declare function element<K extends keyof HTMLElementTagNameMap>(name: K, attributes?: Readonly<Record<string, string>>, ...children: readonly Child[]): HTMLElementTagNameMap[K];
export declare function button(label: string, attributes: Readonly<Record<string, string>>, call: () => void): HTMLElement;
/** An id that no other element of the page has. */
export declare function newId(word: string): string;
export {};
