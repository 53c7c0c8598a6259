import { compare } from '@plinth/bench'
import { inBatches, inFlight, inTurn, large, small } from './load.js'
import { ours, oursProcessing, raw, rawProcessing } from './redis-sides.js'

// The scenarios of taskforcesh/bullmq-bench, beside BullMQ itself on its own connection options.

await compare({
  name: 'tasks: redis, enqueue, one after the other',
  ops: 2000,
  pairs: 7,
  ours: async () => {
    const { tasks, task, side } = await ours()
    return side({ run: (ops) => inTurn(ops, () => tasks.enqueue(task, large)) })
  },
  peers: {
    bullmq: async () => {
      const { queue, side } = await raw()
      return side({ run: (ops) => inTurn(ops, () => queue.add('work', large)) })
    },
  },
})

await compare({
  name: 'tasks: redis, enqueue, 500 under way',
  ops: 8000,
  ours: async () => {
    const { tasks, task, side } = await ours()
    return side({ run: (ops) => inFlight(ops, () => tasks.enqueue(task, small)) })
  },
  peers: {
    bullmq: async () => {
      const { queue, side } = await raw()
      return side({ run: (ops) => inFlight(ops, () => queue.add('work', small)) })
    },
  },
})

await compare({
  name: 'tasks: redis, enqueue, batches of 50',
  ops: 10_000,
  ours: async () => {
    const { tasks, task, side } = await ours()
    return side({ run: (ops) => inBatches(ops, { input: small }, (items) => tasks.enqueueMany(task, items)) })
  },
  peers: {
    bullmq: async () => {
      const { queue, side } = await raw()
      return side({ run: (ops) => inBatches(ops, { name: 'work', data: small }, (items) => queue.addBulk(items)) })
    },
  },
})

for (const [concurrency, ops] of [
  [1, 1500],
  [100, 8000],
] as const) {
  await compare({
    name: `tasks: redis, process, ${concurrency} at once`,
    ops,
    ours: () => oursProcessing(concurrency),
    peers: { bullmq: () => rawProcessing(concurrency) },
  })
}
