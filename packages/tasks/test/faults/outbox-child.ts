import pg from 'pg'
import { createOutbox, createTasks } from '../../src/index.js'
import { type BrokerPlace, brokerAt } from './broker-place.js'
import { workTask } from './work.js'

/** What a process with an outbox is told when it is started. */
export interface OutboxOrders {
  readonly place: BrokerPlace
  readonly database: string
  /** It is killed once it has committed so many tasks; with 0 it relays what is there, and is killed before it has deleted that. */
  readonly commits: number
}

const { place, database, commits } = JSON.parse(process.argv[2] ?? '{}') as OutboxOrders

const work = workTask()
const tasks = createTasks({ broker: brokerAt(place), tasks: [work] })
const pool = new pg.Pool({ connectionString: database })
const dieBeforeDelete = {
  query: (sql: string, parameters?: unknown[]) => {
    if (sql.startsWith('DELETE')) process.kill(process.pid, 'SIGKILL')
    return pool.query(sql, parameters)
  },
}
const outbox = createOutbox({ tasks, known: [work], database: dieBeforeDelete })

if (commits === 0) await outbox.flush()
const client = await pool.connect()
await client.query('BEGIN')
for (let n = 0; n < commits; n += 1) await outbox.enqueue(client, work, {})
await client.query('COMMIT')
process.kill(process.pid, 'SIGKILL')
