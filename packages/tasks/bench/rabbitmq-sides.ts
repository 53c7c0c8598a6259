import type { Contestant } from '@plinth/bench'
import { freshPrefix } from '@plinth/testing'
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { rabbitmqBroker } from '../src/brokers/rabbitmq.js'
import { createTasks, defineTask, type Task, type Tasks, type TaskWorker } from '../src/index.js'
import { inFlight, small, Tally } from './load.js'

/** Our tasks, on a vhost that nobody else uses. Without results a task is a message and nothing more, as it is to amqplib. */
export interface Ours {
  readonly tasks: Tasks
  readonly task: Task<object, void>
  readonly tally: Tally
}

export async function ours(url: string, results: boolean): Promise<Ours> {
  const tally = new Tally()
  const task: Task<object, void> = defineTask({
    name: 'work',
    run: (_: object) => tally.add(),
    ...(results ? {} : { keep: { result: 0 } }),
  })
  const tasks = createTasks({ broker: rabbitmqBroker({ url }), tasks: [task] })
  await tasks.open({ deadlineMs: 20_000 })
  await tasks.enqueue(task, small) // declares what is declared on first use
  return { tasks, task, tally }
}

/** A quorum queue and a confirm channel of plain amqplib. */
export interface Raw {
  readonly publish: () => Promise<void>
  /** Consumes with a prefetch of `most`, acknowledging each. */
  readonly consume: (most: number) => Promise<() => Promise<void>>
  readonly tally: Tally
  readonly close: () => Promise<void>
}

export async function raw(url: string): Promise<Raw> {
  const [publishing, consuming]: ChannelModel[] = [await connect(url), await connect(url)]
  if (publishing === undefined || consuming === undefined) throw new Error('unreachable')
  const channel: ConfirmChannel = await publishing.createConfirmChannel()
  const queue = freshPrefix('raw')
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  const tally = new Tally()
  let sent = 0
  return {
    tally,
    publish: () =>
      new Promise((resolve, reject) => {
        const body = Buffer.from(JSON.stringify({ id: crypto.randomUUID(), task: 'work', input: small }))
        const options = { persistent: true, mandatory: true, messageId: `${sent++}` }
        channel.sendToQueue(queue, body, options, (error: unknown) => (error ? reject(error) : resolve()))
      }),
    consume: async (most) => {
      const own: Channel = await consuming.createChannel()
      await own.prefetch(most)
      await own.consume(queue, (message) => {
        if (message === null) return
        JSON.parse(message.content.toString())
        void Promise.resolve().then(() => {
          own.ack(message)
          tally.add()
        })
      })
      return () => own.close()
    },
    close: async () => {
      await publishing.close()
      await consuming.close()
    },
  }
}

/** Ours, taking what is laid out before each round, `concurrency` at once. */
export async function oursProcessing(url: string, concurrency: number, results: boolean): Promise<Contestant> {
  const { tasks, task, tally } = await ours(url, results)
  let worker: TaskWorker | undefined
  let left = 1
  return {
    prepare: async (ops) => {
      await worker?.close()
      await inFlight(ops - left, () => tasks.enqueue(task, small))
      left = 0
    },
    run: async (ops) => {
      const done = tally.more(ops)
      worker = tasks.worker({ concurrency, schedules: false })
      await worker.start()
      await done
    },
    close: () => tasks.close(),
  }
}

/** amqplib, doing the same. */
export async function rawProcessing(url: string, concurrency: number): Promise<Contestant> {
  const { publish, consume, tally, close } = await raw(url)
  let stop: (() => Promise<void>) | undefined
  return {
    prepare: async (ops) => {
      await stop?.()
      await inFlight(ops, publish)
    },
    run: async (ops) => {
      const done = tally.more(ops)
      stop = await consume(concurrency)
      await done
    },
    close,
  }
}
