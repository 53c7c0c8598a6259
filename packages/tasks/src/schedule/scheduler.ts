import { BackendUnavailableError, type CallOptions, InfraError, type Logger } from '@plinth/core'
import type { EnqueueAnswer, TaskBroker, Term } from '../broker.js'
import { buildMessage } from '../build-message.js'
import { describeFailure } from '../failure.js'
import type { TaskMessage, TaskRef } from '../message.js'
import { sleep } from '../sleep.js'
import { dueSlots } from './due-slots.js'
import type { Schedule } from './schedule.js'
import type { ScheduleBook } from './schedule-book.js'

/** A leader looks again at least this often, so that it notices schedules being paused and clocks being set. */
const LONGEST_SLEEP_MS = 15_000

/** When a slot that could not be enqueued is tried again. */
const AGAIN_MS = 5000

/** How long a slot's key keeps a second leader from enqueueing it again. */
const SLOT_WINDOW_MS = 3_600_000

/** Where one schedule stands, as leaders hand it on. */
export interface ScheduleState {
  /** Slots up to here have been dealt with. */
  readonly watermark: number
  /** The task of the last slot. */
  readonly last?: TaskRef
}

/** The board key under which a schedule is paused. */
export function pauseKey(name: string): string {
  return `schedule-paused:${name}`
}

/** Where the states are kept for reports: the last leader's, as JSON. */
export const STATES_KEY = 'schedule-states'

/** What the leader of the schedules needs. */
export interface SchedulerOptions {
  readonly broker: TaskBroker
  readonly schedules: ScheduleBook
  readonly logger: Logger
  readonly call: CallOptions
  /** Stores a message as every enqueue does, through the middleware. */
  readonly enqueue: (message: TaskMessage) => Promise<EnqueueAnswer | undefined>
}

/**
 * Leads the schedules for one term: enqueues every slot as it comes due, then saves how far it got.
 *
 * A slot's task has an id and a key made of the schedule's name and the slot, so that a leader which died between
 * enqueueing and saving, or two that overlap, make one task.
 */
export async function leadSchedules(options: SchedulerOptions, term: Term): Promise<void> {
  const { broker, schedules, logger, call } = options
  const { clock } = broker
  const states = readStates(term.state)
  while (!term.signal.aborted) {
    const now = clock.now()
    const paused = await broker.board.entries(call)
    let changed = false
    let wakeAt = now + LONGEST_SLEEP_MS
    for (const schedule of schedules.values()) {
      const state = states[schedule.name] ?? { watermark: schedule.once ? 0 : now }
      const due = dueSlots(schedule, state.watermark, now)
      const slots = paused.has(pauseKey(schedule.name)) ? [] : due.slots
      let last = state.last
      try {
        for (const slot of slots) last = (await enqueueSlot(options, schedule, slot, last)) ?? last
      } catch (error) {
        if (error instanceof BackendUnavailableError) throw error
        const facts = { schedule: schedule.name, failure: describeFailure(error) }
        logger.warn(facts, 'a slot could not be enqueued; it is tried again, and other schedules do not wait for it')
        wakeAt = Math.min(wakeAt, now + AGAIN_MS)
        continue
      }
      if (states[schedule.name] === undefined || due.watermark !== state.watermark) {
        states[schedule.name] = last === undefined ? { watermark: due.watermark } : { watermark: due.watermark, last }
        changed = true
      }
      wakeAt = Math.min(wakeAt, schedule.next(due.watermark) ?? wakeAt)
    }
    if (changed) {
      const text = JSON.stringify(states)
      await term.save(text)
      await broker.board.set(STATES_KEY, text, call).catch((error: unknown) => {
        logger.debug({ failure: describeFailure(error) }, 'the state of the schedules could not be shown')
      })
    }
    await sleepOn(options, Math.max(1, wakeAt - clock.now()), term.signal)
  }
}

/** Reads what a leader saved. */
export function readStates(text: string | undefined): Record<string, ScheduleState> {
  // Without a prototype: `constructor` is the name of a schedule like any other.
  const states: Record<string, ScheduleState> = Object.create(null)
  return Object.assign(states, text === undefined ? {} : JSON.parse(text))
}

/** The message of one slot. */
export function slotMessage(schedule: Schedule, slot: number, now: number): TaskMessage {
  const name = `${schedule.name}.${slot.toString(36)}`
  const message = buildMessage(
    schedule.task,
    schedule.input,
    { ...schedule.enqueue, id: `cron.${name}` },
    now,
    undefined,
  )
  const dueAt = slot + jitterOf(name, schedule.jitterMs)
  return {
    ...message,
    ...(dueAt > now ? { dueAt } : {}),
    dedupe: {
      idempotency: { key: `slot:${name}`, windowMs: SLOT_WINDOW_MS },
      ...(schedule.overlap === 'skip'
        ? { unique: { key: `schedule:${schedule.name}`, while: 'active' as const } }
        : {}),
    },
  }
}

async function enqueueSlot(
  { broker, logger, call, enqueue }: SchedulerOptions,
  schedule: Schedule,
  slot: number,
  last: TaskRef | undefined,
): Promise<TaskRef | undefined> {
  if (schedule.overlap === 'cancel-previous' && last !== undefined) {
    await broker.cancel(last, `The next run of schedule "${schedule.name}" is due.`, call)
  }
  const message = slotMessage(schedule, slot, broker.clock.now())
  const answer = await enqueue(message).catch((error: unknown) => ({ status: 'refused' as const, error }))
  if (answer?.status === 'accepted') return { id: message.id, queue: message.queue }
  if (answer?.status === 'duplicate') {
    logger.debug(
      { schedule: schedule.name, slot },
      'this slot was skipped: its task, or an earlier one, is there already',
    )
    return undefined
  }
  const error: unknown = answer?.error ?? new Error('The broker gave no answer.')
  if (isWorthAnotherTry(error)) throw error
  // Asked again it would say the same, and the other schedules would wait for it.
  logger.warn(
    { schedule: schedule.name, slot, failure: describeFailure(error) },
    'this slot could not be enqueued; it is skipped',
  )
  return undefined
}

function isWorthAnotherTry(error: unknown): boolean {
  return !(error instanceof InfraError) || error.retryable
}

/** A part of the jitter that is the same for the same slot in every process (FNV-1a of its name). */
function jitterOf(name: string, jitterMs: number): number {
  if (jitterMs === 0) return 0
  let hash = 0x811c9dc5
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0) % jitterMs
}

/** Sleeps until the next slot, a new schedule, or the end of the term. */
async function sleepOn({ broker, schedules }: SchedulerOptions, ms: number, signal: AbortSignal): Promise<void> {
  const woken = new AbortController()
  const wake = (): void => woken.abort()
  const unlisten = schedules.onAdd(wake)
  signal.addEventListener('abort', wake, { once: true })
  if (signal.aborted) wake()
  await sleep(ms, woken.signal, broker.clock)
  unlisten()
  signal.removeEventListener('abort', wake)
}
