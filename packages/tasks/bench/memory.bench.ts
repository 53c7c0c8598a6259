import { type Contestant, compare } from '@plinth/bench'
import { createTasks, defineTask, memoryBroker } from '../src/index.js'
import { small, Tally } from './load.js'
import { report } from './target.js'

/** Enqueues and runs `ops` tasks, 1000 enqueues under way, 100 handlers at once. */
async function ours(keepResult: boolean): Promise<Contestant> {
  const tally = new Tally()
  const task = defineTask({
    name: 'work',
    run: (_: object) => tally.add(),
    ...(keepResult ? {} : { keep: { result: 0 } }),
  })
  const tasks = createTasks({ broker: memoryBroker(), tasks: [task] })
  await tasks.worker({ concurrency: 100 }).start()
  return {
    run: async (ops) => {
      const done = tally.more(ops)
      for (let sent = 0; sent < ops; sent += 1000) {
        await Promise.all(Array.from({ length: Math.min(1000, ops - sent) }, () => tasks.enqueue(task, small)))
      }
      await done
    },
    close: () => tasks.close(),
  }
}

/** What any queue must do at least: text in, text out, a call in another turn. */
function floor(): Contestant {
  const queue: string[] = []
  return {
    run: async (ops) => {
      for (let sent = 0; sent < ops; sent += 1) {
        queue.push(JSON.stringify({ id: crypto.randomUUID(), task: 'work', input: small }))
        await undefined
        JSON.parse(queue.shift() ?? '')
      }
    },
  }
}

for (const keepResult of [false, true]) {
  const rows = await compare({
    name: `tasks: memory, enqueue and run, results ${keepResult ? 'kept' : 'not kept'}`,
    ops: 50_000,
    ours: () => ours(keepResult),
    peers: { 'JSON, an id and a promise': floor },
  })
  for (const { scenario, oursPerSecond } of rows) {
    report(`${scenario}, thousands of tasks/s`, oursPerSecond / 1000, oursPerSecond >= 100_000, 'at least 100')
  }
}
