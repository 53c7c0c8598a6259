import type { ComparisonRow } from '@plinth/bench'

/** What a figure shall be. */
export type Target = { readonly atLeast: number } | { readonly atMost: number }

/** Prints a figure beside its target, and whether it is met. */
export function printTarget(what: string, figure: number, target: Target): void {
  const isMet = 'atLeast' in target ? figure >= target.atLeast : figure <= target.atMost
  const bound = 'atLeast' in target ? `>= ${target.atLeast}` : `<= ${target.atMost}`
  console.log(`target: ${what}: ${figure.toFixed(2)} (${bound}) ${isMet ? 'met' : 'NOT MET'}`)
}

/** How many times as fast as `peer` we were, as the median says. */
export function timesAsFastAs(rows: readonly ComparisonRow[], peer: string): number {
  return rows.find((row) => row.peer === peer)?.ratio.median ?? Number.NaN
}
