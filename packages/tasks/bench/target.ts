import type { ComparisonRow } from '@plinth/bench'

/** Prints what issue and README promise beside what was seen: how many times as fast as the peer, at the least. */
export function againstTarget(rows: readonly ComparisonRow[], atLeast: number): void {
  for (const { scenario, peer, ratio } of rows) {
    report(`${scenario}, beside ${peer}`, ratio.median, ratio.median >= atLeast, `at least ${atLeast}`)
  }
}

/** Prints a figure, what it is to be, and whether it is. */
export function report(what: string, figure: number, isMet: boolean, target: string): void {
  console.log(`  target: ${what}: ${figure.toFixed(2)}, wanted ${target}: ${isMet ? 'met' : 'NOT MET'}\n`)
}
