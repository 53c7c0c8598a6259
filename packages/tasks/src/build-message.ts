import type { EnqueueOptions } from './enqueue-options.js'
import type { Dedupe, TaskMessage } from './message.js'
import {
  ANY,
  checkOptions,
  DURATION,
  durationOf,
  either,
  type Kind,
  type Kinds,
  LANE,
  MOMENT,
  mustBe,
  OBJECT,
  oneOf,
  SIGNAL,
} from './option-checks.js'
import { RESERVED_IDS } from './reserved-ids.js'
import type { AnyTask } from './task.js'
import { TaskDefinitionError } from './task-errors.js'
import { taskId } from './task-id.js'

/** Ids that every broker takes. */
const ID = /^[A-Za-z0-9](?:[A-Za-z0-9._~-]{0,126}[A-Za-z0-9])?$/
const ONLY_DIGITS = /^\d+$/
const KEY: Kind = {
  words: 'a key: a text of 1 to 512 characters (hash what is longer)',
  is: (value) => typeof value === 'string' && value !== '' && value.length <= 512,
}
const ENQUEUE = {
  delay: DURATION,
  at: MOMENT,
  expires: DURATION,
  priority: LANE,
  id: ANY,
  idempotencyKey: either(KEY, OBJECT),
  unique: either(KEY, OBJECT),
  debounce: OBJECT,
  headers: OBJECT,
  deadline: DURATION,
  signal: SIGNAL,
} satisfies Kinds<EnqueueOptions>
const IDEMPOTENCY = { key: KEY, window: DURATION }
const UNIQUE = { key: KEY, while: oneOf('pending', 'active') }
const DEBOUNCE = { key: KEY, wait: DURATION }

/** What an enqueue without options is given: nothing to look at. */
export const NO_OPTIONS: EnqueueOptions = {}

/** Where a message comes from: the task that enqueues it, if one does. */
export type Parent = Pick<TaskMessage, 'id' | 'root' | 'headers'>

/**
 * Turns one enqueue into the message that is stored.
 *
 * @throws TaskDefinitionError when an option is not one, or two of them cannot stand together.
 */
export function buildMessage(
  task: AnyTask,
  input: unknown,
  options: EnqueueOptions,
  now: number,
  parent: Parent | undefined,
): TaskMessage {
  if (options !== NO_OPTIONS) checkOptions(options, ENQUEUE, `an enqueue of task "${task.name}"`)
  const lane = options.priority ?? task.lane
  const dedupe = parseDedupe(task, options)
  const dueAt = dedupe?.debounce === undefined ? parseDueAt(task, options, now) : now + dedupe.debounce.waitMs
  const message: Mutable<TaskMessage> = {
    id: options.id === undefined ? taskId(now) : parseId(task, options.id),
    task: task.name,
    version: task.version,
    queue: task.queue,
    lane,
    input,
    attempts: task.retry.attempts,
    enqueuedAt: now,
    keepResultMs: task.keepResultMs,
    keepDeadMs: task.keepDeadMs,
  }
  if (dueAt !== undefined) message.dueAt = dueAt
  if (options.expires !== undefined) {
    message.expiresAt = (dueAt ?? now) + durationOf(options.expires, `expires of task "${task.name}"`)
  }
  if (dedupe !== undefined) message.dedupe = dedupe
  if (parent !== undefined) {
    message.parent = parent.id
    message.root = parent.root ?? parent.id
  }
  const headers = options.headers ?? parent?.headers
  if (headers !== undefined) message.headers = headers
  return message
}

function parseDueAt(task: AnyTask, options: EnqueueOptions, now: number): number | undefined {
  if (options.delay !== undefined && options.at !== undefined) throw refuse(task, 'give delay or at, not both')
  if (options.delay !== undefined) {
    const delayMs = durationOf(options.delay, `delay of task "${task.name}"`)
    return delayMs === 0 ? undefined : now + delayMs
  }
  if (options.at === undefined) return undefined
  const at = Math.round(Number(options.at))
  if (at > now) durationOf(at - now, `at of task "${task.name}", from now on,`)
  return at <= now ? undefined : at
}

function parseDedupe(task: AnyTask, options: EnqueueOptions): Dedupe | undefined {
  const { idempotencyKey, unique, debounce, id } = options
  if (idempotencyKey === undefined && unique === undefined && debounce === undefined && id === undefined)
    return undefined
  if (debounce !== undefined && (unique !== undefined || idempotencyKey !== undefined)) {
    throw refuse(task, 'debounce cannot be combined with unique or idempotencyKey')
  }
  if (debounce !== undefined && (options.delay !== undefined || options.at !== undefined)) {
    throw refuse(task, 'debounce takes the place of delay and at')
  }
  const dedupe: Mutable<Dedupe> = {}
  if (id !== undefined) dedupe.id = true
  if (idempotencyKey !== undefined) {
    const chosen = typeof idempotencyKey === 'string' ? { key: idempotencyKey } : idempotencyKey
    checkKeyed(chosen, IDEMPOTENCY, `idempotencyKey of task "${task.name}"`)
    const windowMs = durationOf(chosen.window ?? '24h', `idempotencyKey.window of task "${task.name}"`, 1)
    dedupe.idempotency = { key: chosen.key, windowMs }
  }
  if (unique !== undefined) {
    const chosen = typeof unique === 'string' ? { key: unique } : unique
    checkKeyed(chosen, UNIQUE, `unique of task "${task.name}"`)
    dedupe.unique = { key: chosen.key, while: chosen.while ?? 'active' }
  }
  if (debounce !== undefined) {
    checkKeyed(debounce, DEBOUNCE, `debounce of task "${task.name}"`)
    dedupe.debounce = {
      key: debounce.key,
      waitMs: durationOf(debounce.wait, `debounce.wait of task "${task.name}"`, 1),
    }
  }
  return dedupe
}

function checkKeyed(chosen: { readonly key: string }, kinds: Readonly<Record<string, Kind>>, what: string): void {
  checkOptions(chosen, kinds, what)
  mustBe(chosen.key, KEY, `key of ${what}`)
}

function parseId(task: AnyTask, id: unknown): string {
  if (typeof id === 'string' && RESERVED_IDS.has(id))
    throw refuse(task, `id must not be ${id}, which Redis uses itself`)
  if (typeof id === 'string' && ID.test(id) && !ONLY_DIGITS.test(id)) return id
  throw refuse(task, 'id must be 2 to 128 letters, digits, dots, dashes, tildes or underscores, not digits alone')
}

function refuse(task: AnyTask, problem: string): TaskDefinitionError {
  return new TaskDefinitionError(`Task "${task.name}" cannot be enqueued: ${problem}.`)
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }
