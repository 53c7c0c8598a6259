import { readFileSync } from 'node:fs'
import type { Verdict } from './judge.js'
import { peers } from './peers.js'

/** A row of the scoreboard: what became of one fault on each backend of ours, and with each peer. */
export interface Row {
  readonly fault: string
  readonly ours: Readonly<Record<string, Verdict>>
  readonly peers: Readonly<Record<string, Verdict>>
}

const MARKS: Readonly<Record<Verdict, string>> = { yes: 'yes', no: '**no**', 'n/a': 'n/a' }

/** The version of an installed package. */
function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
}

/** Ours beside its peers: yes only when it is so on every backend that can have the fault. */
export function peerTable(rows: readonly Row[]): string {
  const heads = Object.entries(peers).map(([name, { packages }]) => `${name} ${packages.map(versionOf).join(' / ')}`)
  return table(
    ['fault', '@plinth/cache', ...heads],
    rows.map(({ fault, ours, peers: others }) => [fault, MARKS[altogether(ours)], ...marks(others)]),
  )
}

/** Ours on each of its backends. */
export function ourTable(rows: readonly Row[]): string {
  const backends = Object.keys(rows[0]?.ours ?? {})
  return table(
    ['fault', ...backends],
    rows.map(({ fault, ours }) => [fault, ...marks(ours)]),
  )
}

/** The document that `--write` writes. */
export function document(rows: readonly Row[]): string {
  const tools = ['@keyv/redis', 'ioredis', 'memjs'].map((name) => `${name} ${versionOf(name)}`).join(', ')
  return `# The cache: correctness scoreboard

The faults that caches are prone to, run against real servers. Two clients of a library on one server stand for two processes.
\`pnpm bench cache:correctness\` runs it again and fails when ours does not stand a fault on some backend; with \`--write\` it writes this page.
The rows of ours are tests as well (\`packages/cache/test/scoreboard.test.ts\`). Taken with ${tools}.

${peerTable(rows)}

\`n/a\`: the library has no such operation. For ours, \`yes\` means on every backend below.

Each peer is set up as its documentation recommends. Tags: \`tags: true\` for cacheable, references with \`invalidation\` for async-cache-dedupe,
groups for layered-loader. Prefixes: namespaces for bentocache, references with a wildcard for async-cache-dedupe, groups for layered-loader. For
everything but outages the library stands directly on Redis, without copies in memory, which is the easiest case for it. For outages: bentocache with
memory before Redis, a bus, \`suppressL2Errors\` and its circuit breaker; cacheable and cache-manager with memory first, \`nonBlocking\` and
\`createKeyvNonBlocking\`; layered-loader with \`timeoutInMsecs\` (which its code does not read yet). cache-manager stands on the same @keyv/redis as cacheable. layered-loader asks
for Node 22; it ran here on ${process.version}.

## Ours on each backend

${ourTable(rows)}

\`n/a\`: memory has no server and keeps what it knows about a tag with the entries that carry it; Memcached cannot list its keys, so that deleting by
pattern is a \`PatternMatchingNotSupportedError\`. The rows about clusters were run on each backend's own server; on \`cluster\` that is one of three masters.
Nodes of a cluster are met at their own addresses, where no proxy can stand: its black hole is all nodes stopped.

What this table cannot show is shown by \`packages/cache/test\`: the conformance suite (proven by sabotage), \`race.test.ts\` (two processes that read,
write and invalidate at random), \`stampede.test.ts\`, \`outage.test.ts\`; \`PLINTH_LONG=1\` runs their full forms.
`
}

/** One verdict for all backends. */
export function altogether(verdicts: Readonly<Record<string, Verdict>>): Verdict {
  const all = Object.values(verdicts)
  return all.includes('no') ? 'no' : all.includes('yes') ? 'yes' : 'n/a'
}

function marks(verdicts: Readonly<Record<string, Verdict>>): string[] {
  return Object.values(verdicts).map((verdict) => MARKS[verdict])
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
