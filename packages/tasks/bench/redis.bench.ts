import { compare } from '@plinth/bench'
import { inBatches, inFlight, inTurn, large, small } from './load.js'
import { ours, oursProcessing, raw, rawProcessing, withId } from './redis-sides.js'
import { againstTarget } from './target.js'

// The scenarios of taskforcesh/bullmq-bench, beside BullMQ itself on its own connection options. Jobs of BullMQ are given an
// id, too: without one an enqueue whose answer was lost cannot be sent again without running twice. What BullMQ has no
// option for it does without: no deadline, no schema, no bound of what is under way.

const sequential = await compare({
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
      return side({ run: (ops) => inTurn(ops, () => queue.add('work', large, withId())) })
    },
  },
})
againstTarget(sequential, 0.95)

const pipelined = await compare({
  name: 'tasks: redis, enqueue, 500 under way',
  ops: 8000,
  ours: async () => {
    const { tasks, task, side } = await ours()
    return side({ run: (ops) => inFlight(ops, () => tasks.enqueue(task, small)) })
  },
  peers: {
    bullmq: async () => {
      const { queue, side } = await raw()
      return side({ run: (ops) => inFlight(ops, () => queue.add('work', small, withId())) })
    },
  },
})
againstTarget(pipelined, 0.85)

const batches = await compare({
  name: 'tasks: redis, enqueue, batches of 50',
  ops: 10_000,
  ours: async () => {
    const { tasks, task, side } = await ours()
    return side({ run: (ops) => inBatches(ops, { input: small }, (items) => tasks.enqueueMany(task, items)) })
  },
  peers: {
    bullmq: async () => {
      const { queue, side } = await raw()
      return side({
        run: (ops) =>
          inBatches(ops, undefined, (items) =>
            queue.addBulk(items.map(() => ({ name: 'work', data: small, opts: withId() }))),
          ),
      })
    },
  },
})
againstTarget(batches, 0.85)

for (const [concurrency, ops] of [
  [1, 1500],
  [100, 8000],
] as const) {
  const rows = await compare({
    name: `tasks: redis, process, ${concurrency} at once`,
    ops,
    ours: () => oursProcessing(concurrency),
    peers: { bullmq: () => rawProcessing(concurrency) },
  })
  if (concurrency === 100) againstTarget(rows, 0.85)
}
