import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createTasks, memoryBroker } from '../../src/index.js'
import { type Work, workTask } from './work.js'

/** What a process over a journal is told when it is started. */
export interface JournalOrders {
  readonly path: string
  readonly sync?: boolean
  /** Where runs are written. */
  readonly ledger: string
  /** Where the id of every task is written once its enqueue was confirmed. Without it nothing is enqueued. */
  readonly confirmed?: string
  readonly work: readonly Work[]
  readonly concurrency: number
  readonly crashBudget: number
}

const orders = JSON.parse(process.argv[2] ?? '{}') as JournalOrders
const { path, sync = false, ledger, confirmed, concurrency, crashBudget } = orders

const say = (message: unknown): void => void process.stdout.write(`${JSON.stringify(message)}\n`)

const work = workTask(ledger)
const tasks = createTasks({ broker: memoryBroker({ journal: { path, sync } }), tasks: [work] })
await tasks.worker({ concurrency, crashBudget }).start()
setInterval(() => {}, 60_000)

/** Asked with a list of ids, it answers how each of them has ended, once all have. */
createInterface({ input: process.stdin }).on('line', async (line) => {
  const ids = JSON.parse(line) as readonly string[]
  const ends: [string, string][] = []
  for (const id of ids) {
    const end = await tasks
      .handle(work, id)
      .result({ timeout: '60s' })
      .then(
        () => 'completed',
        (error: { code: string; reason?: string }) => error.reason ?? error.code,
      )
    ends.push([id, end])
  }
  say({ ends })
})

/** Enqueues without an end, several at a time. */
async function produce(file: string): Promise<never> {
  for (let n = 0; ; n += 1) {
    const one = orders.work[n % orders.work.length] ?? {}
    const { id } = await tasks.enqueue(work, one, n % 3 === 0 ? { delay: n % 50 } : {})
    appendFileSync(file, `${id}\n`)
    if (n === 20) say('busy')
  }
}

say('ready')
if (confirmed !== undefined) for (let line = 0; line < 4; line += 1) void produce(confirmed)
