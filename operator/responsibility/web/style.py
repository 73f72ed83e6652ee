"""The page's style sheet: for a screen, light or dark, and for paper."""

from typing import Final

CSS: Final = """
:root {
  color-scheme: light dark;
  --ink: #1b1f24;
  --faint: #57606a;
  --line: #d0d7de;
  --paper: #ffffff;
  --band: #f4f6f8;
  --good: #1a6b35;
  --bad: #a8161f;
  --care: #7a4d00;
  --link: #0b57b0;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ink: #e8eaed;
    --faint: #a3abb5;
    --line: #3d444d;
    --paper: #15191e;
    --band: #1f252c;
    --good: #6fd08c;
    --bad: #ff9a95;
    --care: #f0c060;
    --link: #8ab8ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 68rem; padding: 1.5rem 1rem 4rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 2.25rem 0 .25rem; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .25rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
a { color: var(--link); }
a:focus-visible, .wide:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.faint, small { color: var(--faint); }
small { display: block; font-size: .875rem; font-weight: 400; }
.wide { overflow-x: auto; }
.todo { display: block; }
li details { font-size: .875rem; }
li details p { margin: .25rem 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .75rem 0; }
caption { text-align: left; color: var(--faint); padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .6rem; }
thead th { border-bottom: 2px solid var(--line); font-size: .875rem; color: var(--faint); }
tbody tr { border-bottom: 1px solid var(--line); }
tbody tr:nth-child(odd) { background: var(--band); }
tbody th { font-weight: 600; }
.number { text-align: right; color: var(--faint); font-variant-numeric: tabular-nums; }
.state { white-space: nowrap; font-weight: 600; }
.ok { color: var(--good); }
.drift { color: var(--bad); }
.unknown, .overdue { color: var(--care); }
.recorded { color: var(--faint); }
.grid td, .grid thead th { text-align: center; padding: .35rem .3rem; white-space: nowrap; }
.grid thead th:first-child, .grid tbody th { text-align: left; }
.filters p, .filters div { display: flex; flex-wrap: wrap; gap: 0 .5rem; }
.filters ul { margin: .25rem 0; padding: 0; max-width: none; }
.filters div { display: flex; flex-wrap: wrap; gap: 0 .5rem; }
.filters ul { display: flex; flex-wrap: wrap; gap: .25rem .5rem; list-style: none; }
.filters li { margin: 0; }
.filters a { display: inline-block; padding: .1rem .5rem; border: 1px solid var(--line); border-radius: .3rem; }
.filters a:target { background: var(--ink); color: var(--paper); border-color: var(--ink); }
:target { scroll-margin-top: 1rem; }
tr:target { outline: 3px solid var(--link); outline-offset: -3px; }
.number a { color: inherit; }
.ended { text-decoration: line-through; }
summary { cursor: pointer; color: var(--link); }
summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.items th[scope=rowgroup] { padding-top: 1.25rem; border-bottom: 2px solid var(--line); background: var(--paper); }
dt { font-weight: 600; }
dd { margin: 0 0 .5rem 1.25rem; }
li { margin-bottom: .6rem; max-width: 50rem; }
@media (max-width: 40rem) {
  .items thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .items tr, .items td, .items th { display: block; padding-block: .15rem; text-align: left; }
  .items tr { padding-block: .5rem; }
  .items .number { float: left; width: 2.2rem; text-align: left; }
  .items td[data-label]::before { content: attr(data-label) ": "; color: var(--faint); }
}
@media print {
  .filters, li details { display: none; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  tr, li { break-inside: avoid; }
  h2, h3, p:has(+ ul) { break-after: avoid; }
  section { break-before: page; }
  section:first-of-type { break-before: auto; }
}
"""  # noqa: E501 - CSS
