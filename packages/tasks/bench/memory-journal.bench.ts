import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contestant, compare } from '@plinth/bench'
import { createTasks, defineTask, type MemoryBrokerOptions, memoryBroker } from '../src/index.js'
import { inFlight, inTurn, small, Tally } from './load.js'

const directory = mkdtempSync(join(tmpdir(), 'plinth-journal-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
let files = 0
const journal = (sync: boolean): MemoryBrokerOptions => ({ journal: { path: join(directory, `${files++}`), sync } })

/** Enqueues tasks that nobody runs. */
function enqueues(
  options: MemoryBrokerOptions,
  load: (ops: number, enqueue: () => Promise<unknown>) => Promise<void>,
): Contestant {
  const task = defineTask({ name: 'work', run: (_: object) => {} })
  const tasks = createTasks({ broker: memoryBroker(options), tasks: [task] })
  return { run: (ops) => load(ops, () => tasks.enqueue(task, small)), close: () => tasks.close() }
}

/** Enqueues tasks, 500 under way, and runs them, 100 at once. */
async function runs(options: MemoryBrokerOptions): Promise<Contestant> {
  const tally = new Tally()
  const task = defineTask({ name: 'work', run: (_: object) => tally.add(), keep: { result: 0 } })
  const tasks = createTasks({ broker: memoryBroker(options), tasks: [task] })
  await tasks.worker({ concurrency: 100 }).start()
  return {
    run: async (ops) => {
      const done = tally.more(ops)
      await inFlight(ops, () => tasks.enqueue(task, small))
      await done
    },
    close: () => tasks.close(),
  }
}

await compare({
  name: 'tasks: memory with a journal, enqueue one after the other',
  ops: 1000,
  ours: () => enqueues(journal(false), inTurn),
  peers: { 'without a journal': () => enqueues({}, inTurn), 'with sync': () => enqueues(journal(true), inTurn) },
})
await compare({
  name: 'tasks: memory with a journal, enqueue, 500 under way',
  ops: 10_000,
  ours: () => enqueues(journal(false), inFlight),
  peers: { 'without a journal': () => enqueues({}, inFlight), 'with sync': () => enqueues(journal(true), inFlight) },
})
await compare({
  name: 'tasks: memory with a journal, enqueue and run',
  ops: 10_000,
  ours: () => runs(journal(false)),
  peers: { 'without a journal': () => runs({}), 'with sync': () => runs(journal(true)) },
})
