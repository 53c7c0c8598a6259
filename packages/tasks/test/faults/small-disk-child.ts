import { setTimeout as sleep } from 'node:timers/promises'
import { createTasks, defineTask, memoryBroker } from '../../src/index.js'

const ran: string[] = []
const brief = defineTask({
  name: 'brief',
  keep: { result: 0 },
  run: (_: string, context) => void ran.push(context.id),
})
const broker = memoryBroker({ journal: process.argv[2] ?? '' })
const tasks = createTasks({ broker, tasks: [brief] })
await tasks.worker().start()
const pad = 'x'.repeat(10_000)

const passed: string[] = []
const refused: string[] = []
for (let n = 0; n < 300; n += 1) {
  const id = `brief-${n}`
  // What is not known to be stored is enqueued again; by then it may have run and be forgotten, but its key is not.
  for (let done = false; !done; ) {
    try {
      await tasks.enqueue(brief, pad, { id, idempotencyKey: id })
      done = true
    } catch (error) {
      refused.push((error as { code: string }).code)
      await sleep(100)
    }
  }
  passed.push(id)
}
await broker.drain()

const kept: { confirmed: string[]; refused: string[] } = { confirmed: [], refused: [] }
// The journal is tried again every second: after three of nothing but refusals it stays full.
for (let inVain = 0; inVain < 150; ) {
  try {
    kept.confirmed.push((await tasks.enqueue(brief, pad, { delay: '1h' })).id)
    inVain = 0
  } catch (error) {
    kept.refused.push((error as { code: string }).code)
    inVain += 1
    await sleep(20)
  }
}
process.stdout.write(JSON.stringify({ passed, refused, ran, kept }), () => process.exit(0))
