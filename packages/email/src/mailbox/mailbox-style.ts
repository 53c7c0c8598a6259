import { type Html, unsafeHtml } from '../templates/html.js'

/** The look of the mailbox pages: system fonts, light and dark, narrow screens. */
export const mailboxStyle: Html = unsafeHtml(`<style>
:root { color-scheme: light dark; --ink: #1d2329; --dim: #626d78; --line: #dfe3e8; --paper: #fff; --wash: #f4f6f8; --accent: #2456c7; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ed; --dim: #98a3af; --line: #333b44; --paper: #171b20; --wash: #20262d; --accent: #8ab0ff; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--wash); }
header { display: flex; gap: 1.25rem; align-items: baseline; padding: .9rem clamp(1rem, 4vw, 2.5rem); background: var(--paper); border-bottom: 1px solid var(--line); }
header strong { font-size: 1.05rem; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 2.5rem) 4rem; }
a { color: var(--accent); text-underline-offset: .15em; }
h1 { font-size: 1.35rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
.rows { list-style: none; margin: 0; padding: 0; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
.rows li + li { border-top: 1px solid var(--line); }
.rows a { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .1rem 1rem; padding: .7rem 1rem; color: inherit; text-decoration: none; }
.rows a:hover, .rows a:focus-visible { background: var(--wash); }
.rows b { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.dim { color: var(--dim); font-size: .875rem; overflow-wrap: anywhere; }
.empty { padding: 2.5rem 1rem; text-align: center; color: var(--dim); }
nav.views { display: flex; flex-wrap: wrap; gap: .4rem .5rem; margin: 1rem 0; }
nav.views a { padding: .25rem .7rem; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); text-decoration: none; }
nav.views a[aria-current] { border-color: var(--accent); color: var(--accent); font-weight: 600; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; margin: 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
pre { margin: 0; padding: 1rem; overflow: auto; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, monospace; }
iframe { display: block; width: 100%; height: 75vh; min-height: 26rem; border: 1px solid var(--line); border-radius: 8px; background: #fff; }
iframe.dark { background: #111; color-scheme: dark; }
iframe.light { color-scheme: light; }
iframe.phone { width: 23.5rem; max-width: 100%; }
</style>`)
