import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeWithFile } from '@plinth/testing'

/** One run of a handler, as its worker wrote it down while it happened. */
export interface Run {
  readonly id: string
  readonly pid: number
  readonly attempt: number
  readonly startedAt: number
  /** Absent when the handler did not come to its end. */
  readonly endedAt: number | undefined
}

/** Writes down that a run begins or ends, at once: what a process wrote survives its kill. */
export function writeRun(file: string, event: 'start' | 'end', id: string, attempt: number): void {
  appendFileSync(file, `${JSON.stringify([event, id, process.pid, attempt, Date.now()])}\n`)
}

/** An empty ledger that is gone when the test file is over. */
export function freshLedger(): string {
  const directory = mkdtempSync(join(tmpdir(), 'plinth-runs-'))
  closeWithFile(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'runs')
  writeFileSync(file, '')
  return file
}

/** All runs of all processes, in the order in which they began. */
export function readRuns(file: string): readonly Run[] {
  const runs: { id: string; pid: number; attempt: number; startedAt: number; endedAt: number | undefined }[] = []
  const open = new Map<string, (typeof runs)[number]>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue
    const [event, id, pid, attempt, at] = JSON.parse(line) as [string, string, number, number, number]
    const key = `${id} ${pid}`
    if (event === 'start') {
      const run = { id, pid, attempt, startedAt: at, endedAt: undefined }
      open.set(key, run)
      runs.push(run)
    } else {
      const run = open.get(key)
      if (run !== undefined) run.endedAt = at
    }
  }
  return runs
}

/** The runs of each task. */
export function runsById(runs: readonly Run[]): ReadonlyMap<string, readonly Run[]> {
  const byId = new Map<string, Run[]>()
  for (const run of runs) {
    const known = byId.get(run.id)
    if (known === undefined) byId.set(run.id, [run])
    else known.push(run)
  }
  return byId
}
