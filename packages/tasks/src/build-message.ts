import { parseDuration } from '@plinth/config/units'
import type { EnqueueOptions } from './enqueue-options.js'
import { LANES } from './lane.js'
import type { Dedupe, TaskMessage } from './message.js'
import type { AnyTask } from './task.js'
import { TaskDefinitionError } from './task-errors.js'
import { taskId } from './task-id.js'

/** Ids that every broker takes. */
const ID = /^[A-Za-z0-9](?:[A-Za-z0-9._~-]{0,126}[A-Za-z0-9])?$/
const ONLY_DIGITS = /^\d+$/

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
  const lane = options.priority ?? task.lane
  if (!LANES.includes(lane)) throw refuse(task, `priority must be one of ${LANES.join(', ')}`)
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
    message.expiresAt = (dueAt ?? now) + parseDuration(options.expires, `expires of task "${task.name}"`)
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
    const delayMs = parseDuration(options.delay, `delay of task "${task.name}"`)
    return delayMs === 0 ? undefined : now + delayMs
  }
  if (options.at === undefined) return undefined
  const at = Number(options.at)
  if (!Number.isFinite(at)) throw refuse(task, 'at must be a valid date or milliseconds since the Unix epoch')
  return at <= now ? undefined : Math.round(at)
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
    const windowMs = parseDuration(chosen.window ?? '24h', `idempotencyKey.window of task "${task.name}"`)
    dedupe.idempotency = { key: parseKey(task, chosen.key), windowMs: Math.max(1, windowMs) }
  }
  if (unique !== undefined) {
    const chosen = typeof unique === 'string' ? { key: unique } : unique
    dedupe.unique = { key: parseKey(task, chosen.key), while: chosen.while ?? 'active' }
  }
  if (debounce !== undefined) {
    const waitMs = parseDuration(debounce.wait, `debounce.wait of task "${task.name}"`)
    if (waitMs === 0) throw refuse(task, 'debounce.wait must be more than nothing')
    dedupe.debounce = { key: parseKey(task, debounce.key), waitMs }
  }
  return dedupe
}

function parseKey(task: AnyTask, key: unknown): string {
  if (typeof key === 'string' && key !== '') return key
  throw refuse(task, 'a key must be a text that is not empty')
}

function parseId(task: AnyTask, id: unknown): string {
  if (typeof id === 'string' && ID.test(id) && !ONLY_DIGITS.test(id)) return id
  throw refuse(task, 'id must be 2 to 128 letters, digits, dots, dashes, tildes or underscores, not digits alone')
}

function refuse(task: AnyTask, problem: string): TaskDefinitionError {
  return new TaskDefinitionError(`Task "${task.name}" cannot be enqueued: ${problem}.`)
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }
