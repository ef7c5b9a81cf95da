/** A style sheet that a script makes is allowed where the page's policy forbids styles in the page. */
export function styleSheet(): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  return sheet;
}

const CSS = `
:host {
  display: block;
  --ink: var(--swain-ink, #17222e);
  --soft: var(--swain-soft, #526070);
  --line: var(--swain-line, #7a8794);
  --paper: var(--swain-paper, #fff);
  --raised: var(--swain-raised, #f3f6f8);
  --accent: var(--swain-accent, #0b5aa0);
  --on-accent: var(--swain-on-accent, #fff);
  --bad: var(--swain-bad, #b3261e);
  --radius: var(--swain-radius, 8px);
  --space: var(--swain-space, 12px);
  font: var(--swain-font, inherit);
  color: var(--ink);
  background: var(--paper);
}
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
h2, h3, p, dl, dd, ul { margin: 0; padding: 0; }
h2 { font-size: 1.15em; }
h3 { font-size: 1em; }
ul { list-style: none; display: grid; gap: var(--space); margin-top: var(--space); }
article { border: 1px solid var(--line); border-radius: var(--radius); padding: var(--space); display: grid; gap: var(--space); }
.versions { display: grid; gap: var(--space); grid-template-columns: repeat(auto-fit, minmax(min(100%, 14em), 1fr)); }
.versions > div { background: var(--raised); border-radius: var(--radius); padding: var(--space); }
dt { color: var(--soft); font-size: .875em; }
dd { white-space: pre-wrap; overflow-wrap: anywhere; margin-top: .25em; }
.none { color: var(--soft); font-style: italic; }
.soft { color: var(--soft); font-size: .875em; }
.bad { color: var(--bad); }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; }
button {
  font: inherit; min-height: 44px; padding: 0 14px; border: 1px solid var(--line); border-radius: var(--radius);
  background: var(--paper); color: var(--ink); cursor: pointer; overflow-wrap: anywhere;
}
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button:focus-visible, input:focus-visible, textarea:focus-visible, h2:focus-visible {
  outline: 3px solid var(--accent); outline-offset: 2px;
}
label { display: grid; gap: 4px; font-size: .875em; color: var(--soft); }
input, textarea {
  font: inherit; font-size: 1rem; color: var(--ink); background: var(--paper); width: 100%; min-height: 44px;
  border: 1px solid var(--line); border-radius: var(--radius); padding: 8px;
}
textarea { min-height: 6em; }
form { display: grid; gap: var(--space); }
`;
