import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect } from 'vitest'
import { closeFileScope } from './file-scope.js'
import { watchdogPid } from './watchdog.js'

/** What would keep this process from ending, or outlive it. */
export interface Leftovers {
  /** Kinds of handles and timers that keep the event loop alive, with how many more there are than before. */
  readonly resources: Readonly<Record<string, number>>
  /** Child processes that still run. */
  readonly children: readonly number[]
}

const LEAVING_MS = 15_000

/**
 * Makes the test file that calls it (once, at its top level) fail when it leaves a handle, a timer or a child process
 * behind. What closes by itself has fifteen seconds to do so: a busy machine is no leak.
 */
export function leakCheck(): void {
  const before = countResources()
  const childrenBefore = new Set(childProcesses())
  // Registered first, so it runs after the hooks of the file itself.
  afterAll(async () => {
    await closeFileScope()
    expect(await leftoversSince(before, childrenBefore), 'left behind by this test file').toEqual({
      resources: {},
      children: [],
    })
  })
}

async function leftoversSince(before: ReadonlyMap<string, number>, known: ReadonlySet<number>): Promise<Leftovers> {
  const deadline = performance.now() + LEAVING_MS
  for (;;) {
    const more = [...countResources()].map(([kind, count]) => [kind, count - (before.get(kind) ?? 0)] as const)
    const resources = Object.fromEntries(more.filter(([, count]) => count > 0))
    const children = childProcesses().filter((pid) => !known.has(pid))
    if ((Object.keys(resources).length === 0 && children.length === 0) || performance.now() > deadline) {
      return { resources, children }
    }
    await sleep(20, undefined, { ref: false })
  }
}

/** Timers that are unref'ed are not counted: they keep nothing alive. */
function countResources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

/** The running children of this process, without the watchdog and without the `ps` that is asked for them. */
export function childProcesses(): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,state=,comm='], { encoding: 'utf8' }).trim().split('\n')
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, parent, state, command]) => Number(parent) === process.pid && state !== 'Z' && command !== 'ps')
    .map(([pid]) => Number(pid))
    .filter((pid) => pid !== watchdogPid())
}
