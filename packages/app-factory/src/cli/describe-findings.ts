import type { Finding, FindingStatus } from './finding.js'
import type { Paint } from './paint.js'

const MARKS: Readonly<Record<FindingStatus, { readonly mark: string; readonly colour: Parameters<Paint>[0] }>> = {
  ok: { mark: '✓', colour: 'green' },
  info: { mark: '·', colour: 'dim' },
  warning: { mark: '!', colour: 'yellow' },
  fault: { mark: '✗', colour: 'red' },
}

/** Draws findings for people: grouped by subject, each with its mark, the remedy below, and a last line that sums up. */
export function describeFindings(findings: readonly Finding[], paint: Paint): string {
  const lines: string[] = []
  const width = Math.max(0, ...findings.map(({ check }) => check.length))
  let subject = ''
  for (const finding of findings) {
    if (finding.subject !== subject) {
      if (subject !== '') lines.push('')
      subject = finding.subject
      lines.push(paint('bold', subject))
    }
    const { mark, colour } = MARKS[finding.status]
    lines.push(`  ${paint(colour, mark)} ${finding.check.padEnd(width)}  ${finding.found}`)
    if (finding.remedy !== undefined) lines.push(`    ${' '.repeat(width)}  ${paint('dim', `→ ${finding.remedy}`)}`)
  }
  return [...lines, '', summary(findings, paint)].join('\n')
}

function summary(findings: readonly Finding[], paint: Paint): string {
  const count = (status: FindingStatus) => findings.filter((finding) => finding.status === status).length
  const [faults, warnings] = [count('fault'), count('warning')]
  const text = `${faults} ${faults === 1 ? 'fault' : 'faults'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`
  return paint(faults > 0 ? 'red' : warnings > 0 ? 'yellow' : 'green', text)
}
