import { closeWithFile, freshPrefix, leakCheck, sharedRedis, spawnTypescript, startPostgres } from '@plinth/testing'
import pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { createOutbox, type Outbox, type Tasks } from '../src/index.js'
import type { BrokerPlace } from './faults/broker-place.js'
import { eventually } from './faults/eventually.js'
import type { OutboxOrders } from './faults/outbox-child.js'
import { freshLedger, readRuns, runsById } from './faults/run-ledger.js'
import { serviceAt } from './faults/service.js'
import { ends } from './faults/submit.js'
import { workTask } from './faults/work.js'

leakCheck()

let database: string
let pool: pg.Pool

beforeAll(async () => {
  const server = await startPostgres()
  database = server.url
  pool = new pg.Pool({ connectionString: database })
  closeWithFile(async () => {
    await pool.end()
    await server.close()
  })
}, 120_000)

/** An empty outbox over the table of all tests here, and a worker behind it. */
async function service(): Promise<{
  tasks: Tasks
  work: ReturnType<typeof workTask>
  ledger: string
  place: BrokerPlace
  relay: () => Outbox
}> {
  const place: BrokerPlace = { kind: 'redis', url: await sharedRedis(), prefix: freshPrefix('tasks') }
  const ledger = freshLedger()
  const work = workTask(ledger)
  const tasks = serviceAt(place, work)
  const relay = (): Outbox => createOutbox({ tasks, known: [work], database: pool, every: '50ms' })
  await relay().setUp()
  await pool.query('DELETE FROM plinth_outbox')
  await tasks.worker().start()
  return { tasks, work, ledger, place, relay }
}

async function transaction<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}

/** Ids of what has not been relayed. */
async function rows(): Promise<readonly string[]> {
  const found = await pool.query<{ id: string }>('SELECT id FROM plinth_outbox ORDER BY position')
  return found.rows.map(({ id }) => id)
}

/** Runs a process that ends by being killed. */
async function killed(orders: OutboxOrders): Promise<void> {
  const file = new URL('./faults/outbox-child.ts', import.meta.url)
  const child = spawnTypescript(file, [JSON.stringify(orders)], { receiveTimeout: 60_000 })
  expect([await child.ended, child.output]).toEqual([{ code: null, signal: 'SIGKILL' }, ''])
}

test('a task is enqueued with its transaction: not before the commit, and not at all when it is rolled back', async () => {
  const { tasks, work, ledger, relay } = await service()
  const outbox = relay()
  const id = await transaction(async (client) => {
    const written = await outbox.enqueue(client, work, {})
    expect(await outbox.flush()).toBe(0) // nobody else sees it yet
    return written
  })
  const undone = transaction(async (client) => {
    await outbox.enqueue(client, work, {})
    throw new Error('rolled back')
  })
  await expect(undone).rejects.toThrow('rolled back')
  expect(await rows()).toEqual([id])
  expect(await outbox.flush()).toBe(1)
  expect(await ends(tasks, work, [id], 60_000)).toEqual(new Map([[id, 'completed']]))
  expect(readRuns(ledger).map((run) => run.id)).toEqual([id])
  expect(await rows()).toEqual([])
}, 120_000)

test('a row whose transaction commits after that of a later row is relayed all the same', async () => {
  const { tasks, work, relay } = await service()
  const outbox = relay()
  const slow = await pool.connect()
  await slow.query('BEGIN')
  const early = await outbox.enqueue(slow, work, {})
  const late = await transaction((client) => outbox.enqueue(client, work, {}))
  expect(await outbox.flush()).toBe(1)
  await slow.query('COMMIT')
  slow.release()
  expect(await outbox.flush()).toBe(1)
  const both = await ends(tasks, work, [early, late], 60_000)
  expect([both.get(early), both.get(late)]).toEqual(['completed', 'completed'])
}, 120_000)

test('what was committed by a process that then died is enqueued once, also when its relay dies half way', async () => {
  const { tasks, work, ledger, place, relay } = await service()
  await killed({ place, database, commits: 25 })
  const ids = await rows()
  expect(ids).toHaveLength(25)
  await killed({ place, database, commits: 0 })
  expect(await rows()).toEqual(ids)
  expect(await relay().flush()).toBe(25)
  await ends(tasks, work, ids, 60_000)
  expect([...runsById(readRuns(ledger)).values()].map((runs) => runs.length)).toEqual(Array(25).fill(1))
  expect(await rows()).toEqual([])
}, 120_000)

test('several relays at once, while tasks are still committed, enqueue each of them once', async () => {
  const { tasks, work, ledger, relay } = await service()
  const outbox = relay()
  const relays = [outbox, relay(), relay()]
  for (const one of relays) one.start()
  const ids: string[] = []
  for (let n = 0; n < 20; n += 1) {
    const commits = Array.from({ length: 10 }, () => transaction((client) => outbox.enqueue(client, work, {})))
    ids.push(...(await Promise.all(commits)))
  }
  await eventually(async () => (await rows()).length === 0)
  await Promise.all(relays.map((one) => one.close()))
  const states = await ends(tasks, work, ids, 60_000)
  expect(ids.filter((id) => states.get(id) !== 'completed')).toEqual([])
  const runs = runsById(readRuns(ledger))
  expect(ids.map((id) => runs.get(id)?.length)).toEqual(ids.map(() => 1))
}, 120_000)
