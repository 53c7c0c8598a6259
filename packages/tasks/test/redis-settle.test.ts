import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { freshPrefix, leakCheck, sharedRedis, tcpProxy } from '@plinth/testing'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test, vi } from 'vitest'
import { redisBroker } from '../src/brokers/redis.js'
import { createTasks, defineTask, type StartEvent, type Task, type Tasks } from '../src/index.js'

leakCheck()

const prefix = freshPrefix('tasks')

/** Tasks of one of two processes, and what it logs. */
function service(url: string, task: Task<undefined, string>, queue: string): { tasks: Tasks; warnings: object[] } {
  const warnings: object[] = []
  const logger = { debug() {}, info() {}, error() {}, warn: (facts: object) => void warnings.push(facts) }
  const broker = redisBroker({ url, db: 3, prefix: `${prefix}-${queue}`, lock: '1200ms', stalledCheck: '400ms' })
  const tasks = createTasks({ broker, tasks: [task], logger })
  onTestFinished(() => tasks.close({ deadline: '2s' }))
  return { tasks, warnings }
}

test('tasks that come again at once run every attempt once, however early they are back, and no worker is thought dead', async () => {
  const attempts = 8
  const runs = new Map<string, number[]>()
  const hasty = defineTask({
    name: 'hasty',
    retry: { attempts, backoff: { type: 'fixed', delay: 0 } },
    run: (_: undefined, { id, attempt }): string => {
      runs.set(id, [...(runs.get(id) ?? []), attempt])
      if (attempt < attempts) throw new Error('again, at once')
      return id
    },
  })
  let suspects = 0
  const count = (event: unknown): void => {
    if ((event as StartEvent).suspect) suspects += 1
  }
  subscribe('plinth:tasks:start', count)
  onTestFinished(() => void unsubscribe('plinth:tasks:start', count))
  // Longer locks than the others here have: a machine that is busy elsewhere is to lose none.
  const broker = redisBroker({ url: await sharedRedis(), db: 3, prefix: `${prefix}-hasty` })
  const tasks = createTasks({ broker, tasks: [hasty] })
  onTestFinished(() => tasks.close({ deadline: '2s' }))
  await tasks.worker({ concurrency: 100 }).start()
  for (let round = 0; round < 12; round += 1) {
    const answers = await tasks.enqueueMany(hasty, Array(20).fill({}))
    for (const { handle } of answers) expect(await handle?.result({ timeout: '60s' })).toBe(handle?.id)
  }
  expect([...runs.values()]).toEqual(Array(12 * 20).fill(Array.from({ length: attempts }, (_, n) => n + 1)))
  expect(suspects).toBe(0)
}, 180_000)

/** The same task in two processes; it answers where it ran. */
function taskAt(where: 'near' | 'far', started: string[], run: (signal: AbortSignal) => Promise<unknown>) {
  return defineTask({
    name: 'work',
    run: async (_: undefined, { signal }): Promise<string> => {
      started.push(where)
      if (where === 'far') await run(signal)
      return where
    },
  })
}

test('a task whose outcome the server refuses goes back to its queue, though its worker lives on', async () => {
  const url = await sharedRedis()
  const admin = new Redis(url)
  const user = freshPrefix('user')
  const allowed = (keys: string): Promise<unknown> =>
    admin.call('ACL', 'SETUSER', user, 'on', '>secret', '+@all', '&*', 'resetkeys', ...keys.split(' '))
  onTestFinished(async () => {
    await admin.call('ACL', 'DELUSER', user)
    admin.disconnect()
  })
  await allowed('~*')
  const started: string[] = []
  // From now on the worker may keep its lock, and neither settle what it has in hand nor take anything.
  const forbid = (): Promise<unknown> => allowed(`~${prefix}-refused:*:stalled ~${prefix}-refused:*:lock`)
  const far = service(url.replace('://', `://${user}:secret@`), taskAt('far', started, forbid), 'refused')
  const near = service(url, taskAt('near', started, forbid), 'refused')
  const worker = far.tasks.worker({ concurrency: 1 })
  await worker.start()
  const handle = await near.tasks.enqueue(taskAt('near', started, forbid))
  await vi.waitFor(() => expect(started).toEqual(['far']), { timeout: 60_000 })
  await near.tasks.worker().start()
  expect(await handle.result({ timeout: '60s' })).toBe('near')
  expect(started).toEqual(['far', 'near'])
  expect(far.warnings.length).toBeGreaterThan(0)
  await allowed('~*') // it goes down in order
}, 180_000)

test('what a worker could not settle before its deadline runs elsewhere, once, while the process of the worker goes on', async () => {
  const url = await sharedRedis()
  const proxy = await tcpProxy(url)
  onTestFinished(() => proxy.close())
  const started: string[] = []
  const untilAborted = (signal: AbortSignal): Promise<unknown> =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', reject))
  const far = service(proxy.url, taskAt('far', started, untilAborted), 'closed')
  const near = service(url, taskAt('near', started, untilAborted), 'closed')
  const worker = far.tasks.worker()
  await worker.start()
  const handle = await near.tasks.enqueue(taskAt('near', started, untilAborted))
  await vi.waitFor(() => expect(worker.running).toBe(1), { timeout: 60_000 })
  await proxy.refuse() // it cannot be handed back
  await worker.close({ deadline: '500ms' })
  await proxy.pass()
  await near.tasks.worker().start()
  expect(await handle.result({ timeout: '60s' })).toBe('near')
  await sleep(1000) // a second one would come now
  expect(started).toEqual(['far', 'near'])
}, 180_000)
