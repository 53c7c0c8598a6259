import type { ComponentReport } from '@plinth/core'

const COLUMNS = ['component', 'state', 'backend', 'target', 'required', 'ms'] as const

/**
 * Draws the table that is printed once after the start: what is on, where it lives, how it stands.
 *
 * Contains no credentials. Ends without a line break.
 */
export function describeStartTable(reports: Readonly<Record<string, ComponentReport>>): string {
  const rows = Object.values(reports).map((report) => [
    report.name,
    report.reason === undefined ? report.state : `${report.state} (${report.reason})`,
    report.backend ?? '-',
    report.target ?? (report.state === 'disabled' ? '-' : 'in process'),
    report.required ? 'yes' : 'no',
    report.startMs === undefined ? '-' : String(Math.round(report.startMs)),
  ])
  const widths = COLUMNS.map((column, i) => Math.max(column.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(COLUMNS), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
