import { compare } from '@plinth/bench'
import { startRabbitmq } from '@plinth/testing'
import { FrameCounter } from './amqp-frames.js'
import { inFlight, inTurn, small } from './load.js'
import { ours, oursProcessing, raw, rawProcessing } from './rabbitmq-sides.js'
import { againstTarget } from './target.js'

// The twins of the Redis scenarios, beside plain amqplib: quorum queues, confirmed and persistent, on one server.

const server = await startRabbitmq()
let vhosts = 0

async function freshUrl(): Promise<string> {
  vhosts += 1
  await server.api('PUT', `/api/vhosts/bench-${vhosts}`)
  const all = { configure: '.*', write: '.*', read: '.*' }
  await server.api('PUT', `/api/permissions/bench-${vhosts}/guest`, all)
  return `${server.url}/bench-${vhosts}`
}

for (const [name, ops, load, atLeast] of [
  ['one after the other', 1000, inTurn, 0.95],
  ['500 under way', 10_000, inFlight, 0.85],
] as const) {
  const rows = await compare({
    name: `tasks: rabbitmq, enqueue, ${name}`,
    ops,
    ours: async () => {
      const { tasks, task } = await ours(await freshUrl(), false)
      return { run: (count) => load(count, () => tasks.enqueue(task, small)), close: () => tasks.close() }
    },
    peers: {
      amqplib: async () => {
        const { publish, close } = await raw(await freshUrl())
        return { run: (count) => load(count, publish), close }
      },
    },
  })
  againstTarget(rows, atLeast)
}

for (const results of [false, true]) {
  const rows = await compare({
    name: `tasks: rabbitmq, process, 100 at once, results ${results ? 'kept' : 'not kept'}`,
    ops: 8000,
    ours: async () => oursProcessing(await freshUrl(), 100, results),
    peers: { amqplib: async () => rawProcessing(await freshUrl(), 100) },
  })
  // amqplib keeps no results: only without them both do the same.
  if (!results) againstTarget(rows, 0.8)
}

/** Counted, not timed: what 1000 tasks cost between the process and the server, from enqueue to acknowledgement. */
const TASKS = 1000
const counter = new FrameCounter(server.host, server.port)
const port = await counter.listen()
const counted = async (): Promise<string> => (await freshUrl()).replace(`:${server.port}`, `:${port}`)
const report = (who: string, before: Readonly<Record<string, number>>): void => {
  const list = Object.entries(counter.counts).map(
    ([name, count]) => `${name} ${((count - (before[name] ?? 0)) / TASKS).toFixed(3)}`,
  )
  console.log(`tasks: rabbitmq, ${who}, for one task: ${list.join(', ')}`)
}
for (const results of [false, true]) {
  const { tasks, task, tally } = await ours(await counted(), results)
  const worker = tasks.worker({ concurrency: 100, schedules: false })
  const before = { ...counter.counts }
  const done = tally.more(TASKS + 1)
  await worker.start()
  await inFlight(TASKS, () => tasks.enqueue(task, small))
  await done
  await tasks.close()
  report(`plinth, results ${results ? 'kept' : 'not kept'}`, before)
}
{
  const { publish, consume, tally, close } = await raw(await counted())
  const before = { ...counter.counts }
  const done = tally.more(TASKS)
  const stop = await consume(100)
  await inFlight(TASKS, publish)
  await done
  await stop()
  await close()
  report('amqplib', before)
}
counter.close()
await server.close()
