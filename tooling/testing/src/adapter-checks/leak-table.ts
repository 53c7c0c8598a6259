import { readFileSync, writeFileSync } from 'node:fs'
import type { FixtureScope } from '../register-checks.js'
import type { AdapterFixture } from './adapter-app.js'
import { leakChecks } from './leak-checks.js'

/** Route caches by name and version. */
export type LeakContestants = Readonly<Record<string, (scope: FixtureScope) => AdapterFixture>>

/** How long one check may take before it counts as failed, in milliseconds. */
const CHECK_MS = 10_000

/** Runs the list of leaks against several route caches and gives a table in Markdown: a line for each check, a column for each cache. */
export async function leakTable(contestants: LeakContestants): Promise<string> {
  const names = Object.keys(contestants)
  const passed = new Map(names.map((name) => [name, 0]))
  const rows: string[] = []
  for (const { name, run } of leakChecks) {
    const cells: string[] = []
    for (const [contestant, fixture] of Object.entries(contestants)) {
      const holds = await isKept(run, fixture)
      if (holds) passed.set(contestant, (passed.get(contestant) ?? 0) + 1)
      cells.push(holds ? 'yes' : '**no**')
    }
    rows.push(`| ${name} | ${cells.join(' | ')} |`)
  }
  const totals = names.map((name) => `${passed.get(name)}/${leakChecks.length}`)
  return [
    `| | ${names.join(' | ')} |`,
    `| --- |${' --- |'.repeat(names.length)}`,
    ...rows,
    `| kept | ${totals.join(' | ')} |`,
  ].join('\n')
}

/** Puts a table into the section of a document that has this heading, up to the next one; the section must be there. */
export function writeSection(document: URL, heading: string, table: string): void {
  const text = readFileSync(document, 'utf8')
  const start = text.indexOf(`## ${heading}\n`)
  if (start < 0) throw new Error(`There is no section "${heading}" to write the table into.`)
  const next = text.indexOf('\n## ', start)
  const rest = next < 0 ? '' : text.slice(next)
  writeFileSync(document, `${text.slice(0, start)}## ${heading}\n\n${table}\n${rest}`)
}

async function isKept(
  run: (fixture: AdapterFixture) => Promise<void>,
  fixture: (scope: FixtureScope) => AdapterFixture,
): Promise<boolean> {
  const closes: (() => unknown)[] = []
  const late = new Promise<never>((_, reject) => setTimeout(reject, CHECK_MS, new Error('too slow')).unref())
  try {
    await Promise.race([run(fixture({ onClose: (close) => closes.push(close) })), late])
    return true
  } catch {
    return false
  } finally {
    for (const close of closes.reverse()) await close()
  }
}
