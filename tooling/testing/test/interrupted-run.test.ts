import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { leakCheck, spawnTypescript } from '../src/index.js'
import { untilAll } from '../src/until-all.js'
import { assertPid } from '../src/watchdog.js'

leakCheck()

const opensServers = new URL('./children/opens-servers.ts', import.meta.url)

/** A process that has ended but whose parent has not asked for its end still has its number: state Z. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.startsWith('Z')
}

const dataDirectories = (directory: string): string[] =>
  readdirSync(directory).filter((name) => name.startsWith('plinth-'))

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'servers and their data are gone after their process is ended by %s',
  async (signal) => {
    const directory = mkdtempSync(join(tmpdir(), 'interrupted-'))
    const child = spawnTypescript(opensServers, [], { env: { TMPDIR: directory } })
    const { pids } = await child.receive<{ pids: number[] }>()
    expect(pids.map(isRunning)).toEqual([true, true])
    expect(dataDirectories(directory)).toHaveLength(1)
    child.signal(signal)
    await child.ended
    await untilAll(pids, async (pid) => !isRunning(pid))
    await untilAll([directory], async (path) => dataDirectories(path).length === 0)
    rmSync(directory, { recursive: true })
  },
)

test.each([0, -1, 1, 1.5, Number.NaN, undefined])('%s is not taken for the id of a process', (pid) => {
  expect(() => assertPid(pid)).toThrow('Not a process id')
})
