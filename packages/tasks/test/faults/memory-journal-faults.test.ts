import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { spawnTypescript, type TypescriptChild } from '@plinth/testing'
import { describe, expect, test } from 'vitest'
import { createTasks, memoryBroker } from '../../src/index.js'
import { afterKill, freshPath } from '../journal-files.js'
import type { JournalOrders } from './journal-child.js'
import { freshLedger, readRuns, runsById } from './run-ledger.js'
import { type Work, workTask } from './work.js'

const long = process.env.PLINTH_LONG === '1'

function start(orders: JournalOrders): TypescriptChild {
  const file = new URL('./journal-child.ts', import.meta.url)
  return spawnTypescript(file, [JSON.stringify(orders)], { receiveTimeout: 120_000 })
}

/** How tasks have ended, asked of a process that enqueues nothing. */
async function endsOf(child: TypescriptChild, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  await child.receive((message) => message === 'ready')
  child.send(ids)
  const { ends } = await child.receive<{ ends: [string, string][] }>((message) => message.ends !== undefined)
  return new Map(ends)
}

const read = (file: string): readonly string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1)

describe('a memory broker with a journal, its process killed', () => {
  for (const sync of [false, true]) {
    test(`kill -9 again and again while tasks run and are enqueued: all that was confirmed ends once${sync ? ', written through to the disk' : ''}`, async () => {
      const path = freshPath()
      const confirmed = freshPath()
      writeFileSync(confirmed, '')
      const ledger = freshLedger()
      const work: readonly Work[] = [{}, { ms: 3 }, { ms: 30 }]
      // Whoever happens to be alone when the kill comes is no culprit here: the budget is out of reach.
      const orders = { path, sync, ledger, work, concurrency: 10, crashBudget: 1000 }
      for (let round = 0; round < (long ? 30 : sync ? 2 : 3); round += 1) {
        await using child = start({ ...orders, confirmed })
        await child.receive((message) => message === 'busy')
        await sleep(Math.random() * 150)
        await child.close()
      }
      const ids = read(confirmed)
      await using last = start(orders)
      const ends = await endsOf(last, ids)
      expect(ids.length).toBeGreaterThan(40)
      expect(ids.filter((id) => ends.get(id) !== 'completed')).toEqual([])
      const runs = runsById(readRuns(ledger))
      for (const id of ids) {
        const own = runs.get(id) ?? []
        expect(own.length).toBeGreaterThan(0)
        // It ran again only because the process of the earlier run was killed, and no attempt was spent on that.
        expect(new Set(own.map(({ pid }) => pid)).size).toBe(own.length)
        expect(own.map(({ attempt }) => attempt)).toEqual(own.map(() => 1))
      }
    }, 300_000)
  }

  test('a task that kills its process: only it is convicted, its neighbours complete', async () => {
    const path = freshPath()
    const ledger = freshLedger()
    const tasks = createTasks({ broker: memoryBroker({ journal: path }), tasks: [workTask()] })
    const answers = await tasks.enqueueMany(
      workTask(),
      Array.from({ length: 12 }, (_, n) => ({ input: n === 5 ? { end: 'kill' as const } : { ms: 20 } })),
    )
    await tasks.close()
    const ids = answers.map(({ handle }) => handle?.id ?? '')
    const orders = { path, ledger, work: [], concurrency: 6, crashBudget: 2 }
    let ends: ReadonlyMap<string, string> | undefined
    let crashes = 0
    for (; ends === undefined && crashes < 10; crashes += ends === undefined ? 1 : 0) {
      await using child = start(orders)
      ends = await endsOf(child, ids).catch(async (error: unknown) => {
        if ((await child.ended).signal !== 'SIGKILL') throw error
        return undefined
      })
    }
    expect(ids.map((id) => ends?.get(id))).toEqual(ids.map((_, n) => (n === 5 ? 'crash' : 'completed')))
    expect(crashes).toBe(3) // once among neighbours, twice alone
  }, 120_000)

  test('a journal that a living process holds is refused by its number, and free once that is killed', async () => {
    const path = freshPath()
    await using child = start({ path, ledger: freshLedger(), work: [], concurrency: 1, crashBudget: 3 })
    await child.receive((message) => message === 'ready')
    const broker = memoryBroker({ journal: path })
    await expect(broker.open()).rejects.toMatchObject({ name: 'JournalLockedError', pid: child.pid })
    await child.close()
    await broker.open()
    await broker.close()
  })

  test('a disk that takes no more: enqueues fail, what was confirmed runs once, and it goes on when there is room', async () => {
    const path = freshPath()
    const { passed, refused, ran, kept } = await onSmallDisk(path)
    // All that goes through is more than the file may hold; what is true at any moment is less.
    expect(refused.length).toBeGreaterThan(0)
    for (const code of refused) expect(['TASK_ENQUEUE_UNKNOWN', 'BACKEND_UNAVAILABLE']).toContain(code)
    expect(passed).toHaveLength(300)
    expect([...ran].sort()).toEqual([...passed].sort())
    // Then what is to be kept is more: nothing is confirmed that is not in the file.
    expect(kept.refused.at(-1)).toBe('BACKEND_UNAVAILABLE')
    const after = memoryBroker({ journal: afterKill(path) })
    await after.open()
    const found = new Set(after.messages().map(({ id }) => id))
    expect(kept.confirmed.filter((id) => !found.has(id))).toEqual([])
    expect(kept.confirmed.length).toBeGreaterThan(10)
    await after.close()
  }, 120_000)
})

interface SmallDisk {
  readonly passed: readonly string[]
  readonly refused: readonly string[]
  readonly ran: readonly string[]
  readonly kept: { readonly confirmed: readonly string[]; readonly refused: readonly string[] }
}

/** Works on a journal in a process that may write no file larger than 1 MiB. */
async function onSmallDisk(path: string): Promise<SmallDisk> {
  const tsx = pathToFileURL(createRequire(import.meta.resolve('@plinth/testing')).resolve('tsx')).href
  const file = fileURLToPath(new URL('./small-disk-child.ts', import.meta.url))
  const node = [process.execPath, '--import', tsx, '--conditions=@plinth/source', file, path]
  const script = 'ulimit -f 1024; exec "$@"'
  const { stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', ...node], { timeout: 100_000 })
  return JSON.parse(stdout) as SmallDisk
}
