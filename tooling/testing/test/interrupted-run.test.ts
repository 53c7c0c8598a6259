import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { leakCheck, spawnTypescript } from '../src/index.js'
import { untilAll } from '../src/until-all.js'
import { assertPid, disownProcess, ownProcess } from '../src/watchdog.js'

leakCheck()

const signals = ['SIGKILL', 'SIGTERM', 'SIGINT'] as const
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'interrupted-'))
})

afterEach(() => rmSync(directory, { recursive: true }))

/** A process that has ended but whose parent has not asked for its end still has its number: state Z. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.startsWith('Z')
}

function dataDirectories(): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('plinth-'))
}

async function expectNothingLeft(pids: readonly number[]): Promise<void> {
  await untilAll(pids, async (pid) => !isRunning(pid))
  await untilAll([directory], async () => dataDirectories().length === 0)
}

test.each(signals)('servers and their data are gone after their process is ended by %s', async (signal) => {
  const child = spawnTypescript(new URL('./children/opens-servers.ts', import.meta.url), [], {
    env: { TMPDIR: directory },
  })
  const { pids } = await child.receive<{ pids: number[] }>()
  expect(pids.map(isRunning)).toEqual([true, true])
  expect(dataDirectories()).toHaveLength(1)
  child.signal(signal)
  await child.ended
  await expectNothingLeft(pids)
})

test.each(signals)(
  'nothing of a whole test run is left after it is ended by %s in the middle of a test',
  async (signal) => {
    const pidsFile = join(directory, 'pids.json')
    const vitest = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url))
    const run = spawn(process.execPath, [vitest, 'run'], {
      cwd: fileURLToPath(new URL('./hanging-run', import.meta.url)),
      env: { PATH: process.env.PATH, TMPDIR: directory, PIDS_FILE: pidsFile },
      stdio: 'ignore',
    })
    assertPid(run.pid)
    ownProcess(run.pid)
    const ended = new Promise((resolve) => run.once('close', resolve))
    await untilAll([pidsFile], async (file) => existsSync(file) && readFileSync(file, 'utf8') !== '')
    const pids: number[] = JSON.parse(readFileSync(pidsFile, 'utf8'))
    expect(pids.map(isRunning)).toEqual([true, true, true, true])
    run.kill(signal)
    await ended
    disownProcess(run.pid)
    await expectNothingLeft(pids)
  },
)

test.each([0, -1, 1, 1.5, Number.NaN, undefined])('%s is not taken for the id of a process', (pid) => {
  expect(() => assertPid(pid)).toThrow('Not a process id')
})
