import type { Counts } from './contestant.js'
import type { ComparisonRow } from './measure.js'

const headings = ['scenario', 'peer', 'plinth op/s', 'peer op/s', 'times as fast (min to max)', '']

/** The rows as a table of text; those that we lose stand in it as the others do. */
export function describeRows(rows: readonly ComparisonRow[]): string {
  const cells = [headings, ...rows.map(describeRow)]
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const lines = cells.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0, column))
      .join('  ')
      .trimEnd(),
  )
  return [...lines, ...rows.flatMap(describeCounts)].join('\n')
}

function describeRow({ scenario, peer, oursPerSecond, peerPerSecond, ratio, target }: ComparisonRow): string[] {
  const spread = `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})`
  return [
    scenario,
    peer,
    describeRate(oursPerSecond),
    describeRate(peerPerSecond),
    spread,
    verdict(ratio) + aim(ratio, target),
  ]
}

function aim({ median }: ComparisonRow['ratio'], target: number | undefined): string {
  return target === undefined ? '' : `, target ${target}: ${median >= target ? 'met' : 'NOT MET'}`
}

/** A difference counts only when every pair agrees on its direction. */
function verdict({ min, max }: ComparisonRow['ratio']): string {
  if (min > 1) return 'faster'
  return max < 1 ? 'SLOWER' : 'even'
}

function describeRate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en-US')
}

/** Words to the left, figures to the right. */
function pad(cell: string, width: number, column: number): string {
  return column < 2 || column === headings.length - 1 ? cell.padEnd(width) : cell.padStart(width)
}

function describeCounts({ scenario, peer, oursCounts, peerCounts }: ComparisonRow): string[] {
  const lines = [
    ['plinth', oursCounts],
    [peer, peerCounts],
  ] as const
  return lines.flatMap(([who, counts]) => (counts ? [`  ${scenario}, ${who}, for one op: ${listCounts(counts)}`] : []))
}

function listCounts(counts: Counts): string {
  const list = Object.entries(counts).map(([name, count]) => `${name} ${Number(count.toFixed(3))}`)
  return list.join(', ') || 'nothing'
}
