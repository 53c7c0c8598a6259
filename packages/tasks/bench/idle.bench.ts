import { setTimeout as sleep } from 'node:timers/promises'
import { commandCounts } from '@plinth/bench'
import { startRedis } from '@plinth/testing'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { redisBroker } from '../src/brokers/redis.js'
import { createTasks, defineTask, memoryBroker, type TaskBroker } from '../src/index.js'
import { small } from './load.js'
import { report } from './target.js'

/** From the call that enqueues to the first line of the handler, on a queue with nothing else; and what waiting costs. */

const quick = process.env.PLINTH_BENCH_QUICK === '1'
const STARTS = quick ? 20 : 300
const IDLE_MS = quick ? 200 : 4000

interface Idle {
  readonly enqueue: () => Promise<unknown>
  readonly close: () => Promise<void>
}

let started = (): void => {}

async function ours(broker: TaskBroker): Promise<Idle> {
  const task = defineTask({ name: 'work', run: (_: object) => started() })
  const tasks = createTasks({ broker, tasks: [task] })
  await tasks.worker({ concurrency: 10 }).start()
  return { enqueue: () => tasks.enqueue(task, small), close: () => tasks.close() }
}

async function bullmq(host: string, port: number): Promise<Idle> {
  const connection = new Redis({ host, port, maxRetriesPerRequest: null })
  const queue = new Queue('default', { connection })
  const worker = new Worker('default', async () => started(), { connection, concurrency: 10 })
  const close = async (): Promise<void> => {
    await worker.close()
    await queue.close()
    connection.disconnect()
  }
  return { enqueue: () => queue.add('work', small), close }
}

async function latencyMs({ enqueue }: Idle): Promise<number> {
  const start = new Promise<void>((resolve) => {
    started = resolve
  })
  const began = performance.now()
  const enqueued = enqueue()
  await start
  const tookMs = performance.now() - began
  await enqueued
  await sleep(3) // the worker goes back to sleep
  return tookMs
}

async function idlePercent(): Promise<number> {
  await sleep(500)
  const before = process.cpuUsage()
  await sleep(IDLE_MS)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 10 / IDLE_MS
}

function at(values: readonly number[], share: number): string {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2)
}

const [ourServer, rawServer] = await Promise.all([startRedis(), startRedis()])
const sides = {
  plinth: await ours(redisBroker({ url: ourServer.url })),
  bullmq: await bullmq(rawServer.host, rawServer.port),
}
const times = { plinth: [] as number[], bullmq: [] as number[] }
for (let n = 0; n < STARTS + 20; n += 1) {
  for (const who of ['plinth', 'bullmq'] as const) {
    const ms = await latencyMs(sides[who])
    if (n >= 20) times[who].push(ms)
  }
}
for (const who of ['plinth', 'bullmq'] as const) {
  console.log(
    `tasks: enqueue to start on idle redis, ${who}: p50 ${at(times[who], 0.5)} ms, p99 ${at(times[who], 0.99)} ms`,
  )
}
const median = (who: 'plinth' | 'bullmq'): number => Number(at(times[who], 0.5))
const laterMs = median('plinth') - median('bullmq')
report('enqueue to start on idle redis, ms later than bullmq (p50)', laterMs, laterMs <= 1, 'at most 1')
await sides.bullmq.close()
const counts = commandCounts(ourServer)
const before = await counts()
console.log(`tasks: idle worker on redis: ${(await idlePercent()).toFixed(2)} % of one core`)
const after = await counts()
const commands = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
const perSecond = commands.reduce((sum, [, count]) => sum + count, 0) / ((IDLE_MS + 500) / 1000)
console.log(`tasks: idle worker on redis: ${perSecond.toFixed(1)} commands/s, those inside scripts included`)
await sides.plinth.close()
const memory = await ours(memoryBroker())
console.log(`tasks: idle worker in memory: ${(await idlePercent()).toFixed(2)} % of one core`)
await memory.close()
await Promise.all([ourServer.close(), rawServer.close()])
