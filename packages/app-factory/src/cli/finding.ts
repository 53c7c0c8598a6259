/** How bad a finding is: `fault` makes the command fail, `warning` is for somebody to decide, `ok` is what holds, `info` a fact. */
export type FindingStatus = 'ok' | 'info' | 'warning' | 'fault'

/** One thing that the doctor looked at. Holds no secret. */
export interface Finding {
  /** The component it is about, such as `cache`, or `config`. */
  readonly subject: string
  /** What was looked at, such as `connection` or `maxmemory-policy`. */
  readonly check: string
  readonly status: FindingStatus
  /** What was found, such as `127.0.0.1:6379/0 answers in 0.3 ms`. */
  readonly found: string
  /** What to do about it; absent where there is nothing to do. */
  readonly remedy?: string
}

/** Whether any finding makes the command fail. */
export function hasFault(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.status === 'fault')
}
