import { createTasks, type WorkerOptions } from '../../src/index.js'
import { type BrokerPlace, brokerAt } from './broker-place.js'
import { workTask } from './work.js'

/** What a worker process is told when it is started. */
export interface WorkerOrders {
  readonly place: BrokerPlace
  readonly ledger: string
  readonly worker: WorkerOptions
  /** How long it may take to go down on SIGTERM. */
  readonly deadline: string
  /** Has `work` enqueued by the clock, once a second. */
  readonly pulse?: boolean
}

const { place, ledger, worker: options, deadline, pulse } = JSON.parse(process.argv[2] ?? '{}') as WorkerOrders

const say = (message: unknown): void => void process.stdout.write(`${JSON.stringify(message)}\n`)
const log = (facts: unknown, message: string): void =>
  void process.stderr.write(`${message} ${JSON.stringify(facts)}\n`)

const work = workTask(ledger)
const tasks = createTasks({
  broker: brokerAt(place),
  tasks: [work],
  logger: { debug: () => {}, info: log, warn: log, error: log },
})
if (pulse === true) tasks.schedule('pulse', { every: '1s' }, work, {})
const worker = tasks.worker(options)
process.once('SIGTERM', async () => {
  say(await worker.close({ deadline }))
  await tasks.close()
})
await worker.start()
say('ready') // last: whoever reads this may send a signal at once
