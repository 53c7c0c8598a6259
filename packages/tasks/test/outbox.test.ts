import { PGlite } from '@electric-sql/pglite'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import {
  afterCommit,
  createOutbox,
  createTasks,
  defineTask,
  memoryBroker,
  type Outbox,
  type OutboxQueries,
  type Tasks,
} from '../src/index.js'

const welcomed: string[] = []
const welcome = defineTask({
  name: 'welcome',
  input: z.object({ user: z.string() }),
  run: ({ user }) => void welcomed.push(user),
})

async function service(): Promise<{
  database: PGlite
  outbox: Outbox
  tasks: Tasks
  relay: (over: OutboxQueries) => Outbox
}> {
  welcomed.length = 0
  const database = await PGlite.create()
  const tasks = createTasks({ broker: memoryBroker(), tasks: [welcome] })
  const relay = (over: OutboxQueries): Outbox =>
    createOutbox({ tasks, known: [welcome], database: over, every: '20ms' })
  const outbox = relay(database)
  await outbox.setUp()
  await outbox.setUp()
  await tasks.worker().start()
  onTestFinished(async () => {
    await outbox.close()
    await tasks.close()
    await database.close()
  })
  return { database, outbox, tasks, relay }
}

test('a task is enqueued with the transaction it belongs to, or not at all', async () => {
  const { database, outbox, tasks } = await service()
  const id = await database.transaction((transaction) => outbox.enqueue(transaction, welcome, { user: 'Ada' }))
  const undone = database.transaction(async (transaction) => {
    await outbox.enqueue(transaction, welcome, { user: 'Bob' })
    throw new Error('rolled back')
  })
  await expect(undone).rejects.toThrow('rolled back')
  await expect(outbox.enqueue(database, welcome, { user: 1 as unknown as string })).rejects.toMatchObject({
    code: 'TASK_INVALID_INPUT',
  })
  expect(welcomed).toEqual([])
  expect(await outbox.flush()).toBe(1)
  await tasks.handle(welcome, id).result()
  expect(welcomed).toEqual(['Ada'])
  expect((await database.query('SELECT * FROM plinth_outbox')).rows).toEqual([])
})

test('a relay that dies before it has deleted what it enqueued, and two at once, enqueue each task once', async () => {
  const { database, outbox, relay } = await service()
  for (let n = 0; n < 250; n += 1) await outbox.enqueue(database, welcome, { user: `user ${n}` })
  const dying = relay({
    query: (sql, parameters) =>
      sql.startsWith('DELETE') ? Promise.reject(new Error('gone')) : database.query(sql, parameters),
  })
  await expect(dying.flush()).rejects.toThrow('gone')
  await Promise.all([outbox.flush(), relay(database).flush()])
  await expect.poll(() => welcomed.length).toBe(250)
  expect(new Set(welcomed).size).toBe(250)
  expect(await outbox.flush()).toBe(0)
})

test('a started outbox relays by itself, through an outage of its database', async () => {
  const { database, outbox, relay } = await service()
  let away = true
  const patient = relay({
    query: (sql, parameters) => (away ? Promise.reject(new Error('away')) : database.query(sql, parameters)),
  })
  patient.start()
  onTestFinished(() => patient.close())
  await outbox.enqueue(database, welcome, { user: 'Ada' })
  away = false
  await expect.poll(() => welcomed).toEqual(['Ada'])
})

test('what is to be enqueued after a commit is not enqueued when there is none', async () => {
  const { tasks } = await service()
  const undone = afterCommit(tasks, async (later) => {
    later.enqueue(welcome, { user: 'Bob' })
    throw new Error('rolled back')
  })
  await expect(undone).rejects.toThrow('rolled back')
  const { result, handles } = await afterCommit(tasks, async (later) => {
    later.enqueue(welcome, { user: 'Ada' })
    expect(welcomed).toEqual([])
    return 'saved'
  })
  await handles[0]?.result()
  expect(result).toBe('saved')
  expect(welcomed).toEqual(['Ada'])
})
