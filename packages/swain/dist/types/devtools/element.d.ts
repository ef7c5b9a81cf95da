type Child = Node | string;
/** An element with its attributes and children; text stays text. */
export declare function element<K extends keyof HTMLElementTagNameMap>(name: K, attributes?: Readonly<Record<string, string>>, ...children: readonly Child[]): HTMLElementTagNameMap[K];
export declare function button(label: string, attributes: Readonly<Record<string, string>>, call: () => void): HTMLElement;
/** A table in a box of its own, so that only it scrolls sideways. */
export declare function table(heads: readonly string[], rows: readonly (readonly Child[])[], whenEmpty: string): HTMLElement;
export declare function timeOf(at: number): string;
export declare function counted(count: number, noun: string): string;
export {};
