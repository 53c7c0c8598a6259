import { type Contestant, commandCounts } from '@plinth/bench'
import { type RedisServer, startRedis } from '@plinth/testing'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { redisBroker } from '../src/brokers/redis.js'
import { createTasks, defineTask, type Task, type Tasks, type TaskWorker } from '../src/index.js'
import { inBatches, small, Tally } from './load.js'

/** How ended jobs are kept on both sides: our default. */
const keep = { removeOnComplete: { age: 3600, count: 10_000 }, attempts: 3 }

/** An id of the caller's own, as every task of ours has one. */
export function withId(): { readonly jobId: string } {
  return { jobId: crypto.randomUUID() }
}

/** One side of a comparison on a Redis of its own, and the way to enqueue on it. */
export interface Ours {
  readonly tasks: Tasks
  readonly task: Task<object, void>
  readonly tally: Tally
  side(parts: Pick<Contestant, 'run' | 'prepare'>): Contestant
}

/** Our tasks on a server of their own. */
export async function ours(handler: () => void = () => {}): Promise<Ours> {
  const server = await startRedis()
  const tally = new Tally()
  const task: Task<object, void> = defineTask({
    name: 'work',
    run: (_: object) => {
      handler()
      tally.add()
    },
  })
  const tasks = createTasks({ broker: redisBroker({ url: `${server.url}/3` }), tasks: [task] })
  await tasks.open({ deadlineMs: 5000 })
  await tasks.enqueue(task, small) // loads what is loaded on first use
  return { tasks, task, tally, side: sideOn(server, () => tasks.close()) }
}

export interface Raw {
  readonly queue: Queue
  readonly tally: Tally
  worker(concurrency: number): Worker
  side(parts: Pick<Contestant, 'run' | 'prepare'>): Contestant
}

/** BullMQ as its documentation uses it, on a server of its own. */
export async function raw(handler: () => void = () => {}): Promise<Raw> {
  const server = await startRedis()
  const address = { host: server.host, port: server.port, db: 3 }
  const connection = new Redis({ ...address, maxRetriesPerRequest: null })
  const queue = new Queue('default', { connection, defaultJobOptions: keep })
  const tally = new Tally()
  await queue.add('work', small)
  const end = async (): Promise<void> => {
    await queue.close()
    connection.disconnect()
  }
  const work = async (): Promise<void> => {
    handler()
    tally.add()
  }
  return {
    queue,
    tally,
    worker: (concurrency) => new Worker('default', work, { connection, concurrency }),
    side: sideOn(server, end),
  }
}

function sideOn(server: RedisServer, end: () => Promise<unknown>) {
  return (parts: Pick<Contestant, 'run' | 'prepare'>): Contestant => ({
    ...parts,
    counts: commandCounts(server),
    close: async () => {
      await end()
      await server.close()
    },
  })
}

/** Ours, taking what is laid out before each round, `concurrency` at once. */
export async function oursProcessing(concurrency: number): Promise<Contestant> {
  const { tasks, task, tally, side } = await ours()
  let worker: TaskWorker | undefined
  let left = 1
  return side({
    prepare: async (ops) => {
      await worker?.close()
      await inBatches(ops - left, { input: small }, (items) => tasks.enqueueMany(task, items))
      left = 0
    },
    run: async (ops) => {
      const done = tally.more(ops)
      worker = tasks.worker({ concurrency, schedules: false })
      await worker.start()
      await done
    },
  })
}

/** BullMQ, doing the same. */
export async function rawProcessing(concurrency: number): Promise<Contestant> {
  const { queue, tally, worker: start, side } = await raw()
  let worker: Worker | undefined
  let left = 1
  const contestant = side({
    prepare: async (ops) => {
      await worker?.close()
      await inBatches(ops - left, { name: 'work', data: small }, (items) => queue.addBulk(items))
      left = 0
    },
    run: async (ops) => {
      const done = tally.more(ops)
      worker = start(concurrency)
      await done
    },
  })
  return {
    ...contestant,
    close: async () => {
      await worker?.close()
      await contestant.close?.()
    },
  }
}
