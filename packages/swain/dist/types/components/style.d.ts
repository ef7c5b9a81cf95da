/** A style sheet that a script makes is allowed where the page's policy forbids styles in the page. */
export declare function styleSheet(): CSSStyleSheet;
