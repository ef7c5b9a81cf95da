/** A style sheet that a script makes is allowed where the page's policy forbids styles in the page. */
export function styleSheet(): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  return sheet;
}

const CSS = `
:host { all: initial; }
* { box-sizing: border-box; }
.root, .trouble {
  --ink: #17222e; --soft: #5a6876; --line: #d8dfe6; --paper: #fff; --raised: #f3f6f8; --accent: #0b63b0;
  --good: #12783d; --busy: #9a5b00; --bad: #b3261e;
}
.root {
  position: fixed; z-index: 2147483000; right: 8px; bottom: 8px; left: auto;
  font: 13px/1.45 system-ui, sans-serif; color: var(--ink); color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  .root, .trouble {
    --ink: #e6ecf2; --soft: #9fb0c0; --line: #33414f; --paper: #131b24; --raised: #1c2733; --accent: #78b7f2;
    --good: #6dd394; --busy: #f0b45a; --bad: #ff8a80;
  }
}
.root[data-open] { left: 8px; }
@media (min-width: 700px) { .root[data-open] { left: auto; width: min(720px, calc(100vw - 16px)); } }
button, select { font: inherit; color: inherit; }
button { cursor: pointer; }
button:focus-visible, select:focus-visible, summary:focus-visible, input:focus-visible {
  outline: 2px solid var(--accent); outline-offset: 2px;
}
.pill {
  display: flex; align-items: center; gap: 8px; min-height: 40px; padding: 4px 14px; margin-left: auto;
  border: 1px solid var(--line); border-radius: 20px; background: var(--paper); box-shadow: 0 2px 10px #0003;
}
.dot { width: 10px; height: 10px; border-radius: 50%; background: var(--soft); flex: none; }
[data-state="live"] .dot { background: var(--good); }
[data-state="syncing"] .dot, [data-state="connecting"] .dot { background: var(--busy); }
[data-state="offline"] .dot, [data-state="stopped"] .dot { background: var(--bad); }
.panel {
  display: flex; flex-direction: column; height: min(440px, 55vh); overflow: hidden;
  border: 1px solid var(--line); border-radius: 10px; background: var(--paper); box-shadow: 0 6px 24px #0004;
}
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; padding: 4px 2px 4px 12px; }
header .where { display: flex; align-items: center; gap: 8px; font-weight: 600; }
header .counts { color: var(--soft); font-variant-numeric: tabular-nums; }
header .end { margin-left: auto; display: flex; align-items: center; gap: 4px; }
.cable { display: flex; align-items: center; gap: 6px; min-height: 40px; padding: 0 4px; cursor: pointer; }
.cable input { width: 18px; height: 18px; accent-color: var(--accent); }
.close { min-width: 40px; min-height: 40px; border: 0; background: none; font-size: 18px; }
.problem { margin: 0; padding: 6px 12px; color: var(--bad); border-top: 1px solid var(--line); overflow-wrap: anywhere; }
nav { display: flex; gap: 2px; padding: 0 8px; border-bottom: 1px solid var(--line); background: var(--raised); }
nav button { flex: 1 1 auto; min-height: 40px; padding: 0 6px; border: 0; border-bottom: 3px solid transparent; background: none; }
nav button[aria-selected="true"] { border-bottom-color: var(--accent); font-weight: 600; }
nav span { color: var(--soft); font-weight: 400; font-variant-numeric: tabular-nums; }
main { flex: 1; overflow: auto; overscroll-behavior: contain; }
select { min-height: 36px; margin: 8px 12px 0; padding: 0 8px; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
.empty, .facts { margin: 0; padding: 10px 12px; color: var(--soft); }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 5px 6px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { padding-left: 12px; }
th:last-child, td:last-child { padding-right: 12px; }
th { color: var(--soft); font-weight: 500; position: sticky; top: 0; background: var(--paper); }
code, pre { font: 12px/1.45 ui-monospace, monospace; }
code.line { display: block; white-space: normal; overflow-wrap: anywhere; min-width: 150px; }
td code { white-space: nowrap; }
td code.line { white-space: normal; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 0; padding: 10px 12px; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.state { display: block; white-space: normal; color: var(--good); }
.state time { display: block; }
.state.pending, .state.saving { color: var(--busy); }
.state.refused { color: var(--bad); }
.frame { border-bottom: 1px solid var(--line); }
summary { display: flex; align-items: baseline; gap: 8px; min-height: 32px; padding: 6px 12px; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary:hover { background: var(--raised); }
time, small, .about { color: var(--soft); font-variant-numeric: tabular-nums; font-size: 12px; }
.about { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.kind { font-weight: 600; }
.up { color: var(--accent); }
.down { color: var(--good); }
.problem.frame, .goaway.frame { color: var(--bad); padding: 0; border-top: 0; }
.frame pre { margin: 0; padding: 8px 12px; background: var(--raised); white-space: pre-wrap; overflow-wrap: anywhere; max-height: 260px; overflow: auto; color: var(--ink); }
.note { display: flex; gap: 8px; margin: 0; padding: 6px 12px; color: var(--soft); border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.trouble { position: fixed; inset: 0 0 auto; z-index: 2147483001; margin: 0; font: 13px/1.45 ui-monospace, monospace; padding: 12px; max-height: 60vh; overflow: auto; background: var(--paper); color: var(--bad); border-bottom: 2px solid var(--bad); white-space: pre-wrap; overflow-wrap: anywhere; }
.trouble[hidden] { display: none; }
`;
