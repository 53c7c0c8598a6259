import { appendFileSync } from 'node:fs'
import type { ComparisonRow } from './measure.js'
import { describeRows } from './report.js'

/** Set by `pnpm bench`: where each row is appended as one line of JSON. */
const rowsVariable = 'PLINTH_BENCH_ROWS'

/** Prints the table of a scenario, and appends its rows to the file that `pnpm bench` collects, if it asked for one. */
export function publishRows(rows: readonly ComparisonRow[]): void {
  console.log(`${describeRows(rows)}\n`)
  const file = process.env[rowsVariable]
  if (file) appendFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}
