import type { Duration } from '@plinth/config/units'
import { type Closable, type Logger, silentLogger } from '@plinth/core'
import { buildMessage } from './build-message.js'
import { encodeInput } from './encode-input.js'
import type { EnqueueOptions } from './enqueue-options.js'
import { describeFailure } from './failure.js'
import {
  ANY,
  checkOptions,
  DURATION,
  durationOf,
  having,
  type Kinds,
  LIST,
  LOGGER,
  mustBe,
  show,
  TASK,
} from './option-checks.js'
import type { AnyTask, Task } from './task.js'
import { systemTaskClock } from './task-clock.js'
import { TaskDefinitionError } from './task-errors.js'
import type { BatchItem, Tasks } from './tasks.js'

/** What can ask PostgreSQL: a pool, client or transaction of `pg`, PGlite, or anything of that shape. */
export interface OutboxQueries {
  query(sql: string, parameters?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** How one task of an outbox is enqueued. `delay` counts from now, not from when it is relayed. */
export type OutboxEnqueueOptions = Pick<
  EnqueueOptions,
  'delay' | 'at' | 'priority' | 'idempotencyKey' | 'unique' | 'headers'
>

/** What {@link createOutbox} is given. */
export interface OutboxOptions {
  readonly tasks: Tasks
  /** The tasks that go through it; the same list as for `createTasks`. */
  readonly known: readonly AnyTask[]
  /** What relays: a pool, not a transaction. */
  readonly database: OutboxQueries
  /** Letters, digits and underscores. Default `plinth_outbox`. */
  readonly table?: string
  /** How often a started outbox looks for rows. Default `'1s'`. */
  readonly every?: Duration
  readonly logger?: Logger
}

/**
 * Tasks that are enqueued by the transaction they belong to: with it or not at all.
 *
 * A task is a row of the caller's own transaction. The relay enqueues it under the row's id and then deletes the row, so
 * a relay that dies in between, or two at once, enqueue it twice under one id, which is one task.
 */
export interface Outbox extends Closable {
  /** Makes the table when it is not there. Migrations may do so instead, with {@link Outbox.schema}. */
  setUp(): Promise<void>
  /** The SQL that makes the table. */
  readonly schema: string
  /**
   * Writes a task down with `transaction`; answers the id it will have.
   *
   * @throws InvalidInputError when the input does not fit; TaskDefinitionError for a task that is not known here.
   */
  enqueue<Input, Output, Deps>(
    transaction: OutboxQueries,
    task: Task<Input, Output, Deps>,
    input: Input,
    options?: OutboxEnqueueOptions,
  ): Promise<string>
  /** Enqueues what is there, oldest first; answers how many were confirmed. While tasks are switched off, all stay. Rejects when the database is away. */
  flush(): Promise<number>
  /** Flushes again and again, through outages, until closed. */
  start(): void
}

interface Row {
  readonly id: string
  readonly task: string
  readonly input: string | null
  readonly options: string
}

const BATCH = 100

const DATABASE = having('what can ask PostgreSQL, such as a pool of pg', 'query')
const KINDS = {
  tasks: having('what createTasks made', 'enqueue', 'enqueueMany'),
  known: LIST,
  database: DATABASE,
  table: ANY,
  every: DURATION,
  logger: LOGGER,
} satisfies Kinds<OutboxOptions>
const ENQUEUE = {
  delay: ANY,
  at: ANY,
  priority: ANY,
  idempotencyKey: ANY,
  unique: ANY,
  headers: ANY,
} satisfies Kinds<OutboxEnqueueOptions>

/** Makes an outbox over a PostgreSQL table. No I/O until it is used. */
export function createOutbox(options: OutboxOptions): Outbox {
  return new TableOutbox(options)
}

class TableOutbox implements Outbox {
  readonly schema: string
  readonly #tasks: Tasks
  readonly #known: ReadonlyMap<string, AnyTask>
  readonly #database: OutboxQueries
  readonly #table: string
  readonly #everyMs: number
  readonly #logger: Logger
  #cancel: (() => void) | undefined
  #flushing: Promise<number> | undefined
  #closed = false

  constructor(options: OutboxOptions) {
    checkOptions(options, KINDS, 'createOutbox')
    const { tasks, known, database, table = 'plinth_outbox', every = '1s', logger = silentLogger } = options
    mustBe(tasks, KINDS.tasks, 'tasks of createOutbox')
    mustBe(known, LIST, 'known of createOutbox')
    mustBe(database, DATABASE, 'database of createOutbox')
    for (const task of known) mustBe(task, TASK, 'Each of known of createOutbox')
    if (typeof table !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(table)) {
      throw new TaskDefinitionError(
        'table of createOutbox must be letters, digits and underscores, and not begin with a digit.',
      )
    }
    this.#tasks = tasks
    this.#known = new Map(known.map((task) => [task.name, task]))
    this.#database = database
    this.#table = table
    this.#everyMs = durationOf(every, 'every of createOutbox', 10)
    this.#logger = logger
    this.schema = `CREATE TABLE IF NOT EXISTS ${table} (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  task text NOT NULL,
  input text,
  options text NOT NULL
)`
  }

  async setUp(): Promise<void> {
    await this.#database.query(this.schema)
  }

  async enqueue<Input, Output, Deps>(
    transaction: OutboxQueries,
    task: Task<Input, Output, Deps>,
    input: Input,
    options: OutboxEnqueueOptions = {},
  ): Promise<string> {
    mustBe(transaction, DATABASE, 'transaction of an outbox')
    if (!this.#known.has(task?.name)) {
      throw new TaskDefinitionError(
        `Task ${show(task?.name)} is not known to this outbox: add it to createOutbox({ known }).`,
      )
    }
    await task.parseInput(input)
    checkOptions(options, ENQUEUE, `an enqueue of task "${task.name}" in an outbox`)
    // What the relay could never enqueue is refused while the transaction can still be rolled back.
    const message = buildMessage(task as unknown as AnyTask, input, options, Date.now(), undefined)
    const text = encodeInput(message, Number.MAX_SAFE_INTEGER)
    const { delay: _, at: __, ...rest } = options
    const stored = { ...rest, ...(message.dueAt === undefined ? {} : { at: message.dueAt }) }
    const { id } = message
    await transaction.query(`INSERT INTO ${this.#table} (id, task, input, options) VALUES ($1, $2, $3, $4)`, [
      id,
      task.name,
      text === '' ? null : text,
      JSON.stringify(stored),
    ])
    return id
  }

  flush(): Promise<number> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  start(): void {
    if (this.#closed || this.#cancel !== undefined) return
    const turn = async (): Promise<void> => {
      await this.flush().catch((error: unknown) => {
        this.#logger.warn(
          { failure: describeFailure(error) },
          'the outbox of tasks could not be relayed; it is tried again',
        )
      })
      if (!this.#closed) this.#cancel = systemTaskClock.after(this.#everyMs, () => void turn())
    }
    this.#cancel = systemTaskClock.after(0, () => void turn())
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#flushing?.catch(() => {}) // what was not relayed stays where it is
  }

  async #flush(): Promise<number> {
    if (!this.#tasks.enabled) return 0
    let relayed = 0
    let after = '0'
    for (;;) {
      const { rows } = await this.#database.query(
        `SELECT position, id, task, input, options FROM ${this.#table} WHERE position > $1 ORDER BY position LIMIT ${BATCH}`,
        [after],
      )
      const found = rows as readonly (Row & { readonly position: unknown })[]
      const last = found.at(-1)
      if (last === undefined) return relayed
      after = String(last.position)
      const done = await this.#relay(found)
      relayed += done.length
      if (done.length > 0) await this.#database.query(`DELETE FROM ${this.#table} WHERE id = ANY($1)`, [done])
      if (found.length < BATCH || this.#closed) return relayed
    }
  }

  /** Enqueues rows, those of one task together; answers the ids that the broker has. */
  async #relay(rows: readonly Row[]): Promise<string[]> {
    const done: string[] = []
    for (const [name, group] of byTask(rows)) {
      const task = this.#known.get(name)
      if (task === undefined) {
        this.#logger.warn(
          { task: name, rows: group.length },
          'the outbox holds a task that is not known here; it stays',
        )
        continue
      }
      const answers = await this.#tasks.enqueueMany(task as Task<unknown, unknown>, group.map(itemOf))
      for (const [index, { error }] of answers.entries()) {
        const { id } = group[index] ?? {}
        if (error === undefined && id !== undefined) done.push(id)
        else
          this.#logger.warn(
            { task: name, id, failure: describeFailure(error) },
            'a task of the outbox was not enqueued',
          )
      }
    }
    return done
  }
}

function byTask(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) groups.set(row.task, [...(groups.get(row.task) ?? []), row])
  return groups
}

function itemOf({ id, input, options }: Row): BatchItem<unknown> {
  const chosen = JSON.parse(options) as OutboxEnqueueOptions
  return { input: input === null ? undefined : (JSON.parse(input) as unknown), options: { ...chosen, id } }
}
