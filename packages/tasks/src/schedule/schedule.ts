import { describeDuration } from '@plinth/config/units'
import {
  checkOptions,
  DURATION,
  durationOf,
  type Kinds,
  LANE,
  MOMENT,
  OBJECT,
  oneOf,
  show,
  TEXT,
} from '../option-checks.js'
import type { AnyTask } from '../task.js'
import { TaskDefinitionError } from '../task-errors.js'
import type { ScheduledEnqueueOptions } from '../tasks.js'
import { parseCron } from './cron.js'
import { nextCronSlot } from './cron-slots.js'
import type { ScheduleOptions } from './schedule-options.js'
import { zoneOffset } from './time-zone.js'

/** A schedule with every choice made. */
export interface Schedule {
  readonly name: string
  readonly task: AnyTask
  readonly input: unknown
  readonly enqueue: ScheduledEnqueueOptions
  /** The cron expression, interval or moment, as text. */
  readonly when: string
  /** Whether it has a single slot. */
  readonly once: boolean
  /** The first slot strictly after a moment; `undefined` when there is none any more. */
  readonly next: (after: number) => number | undefined
  readonly missed: NonNullable<ScheduleOptions['missed']>
  readonly overlap: NonNullable<ScheduleOptions['overlap']>
  readonly jitterMs: number
}

const KINDS = {
  cron: TEXT,
  timezone: TEXT,
  every: DURATION,
  at: MOMENT,
  jitter: DURATION,
  missed: oneOf('skip', 'latest', 'all'),
  overlap: oneOf('queue', 'skip', 'cancel-previous'),
} satisfies Kinds<ScheduleOptions>
const ENQUEUE = { priority: LANE, expires: DURATION, headers: OBJECT } satisfies Kinds<ScheduledEnqueueOptions>

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,78}[A-Za-z0-9])?$/

/**
 * Reads a schedule.
 *
 * @throws TaskDefinitionError for an invalid cron expression, time zone, name or policy, and for a cron that never comes.
 */
export function parseSchedule(
  name: string,
  when: ScheduleOptions,
  task: AnyTask,
  input: unknown,
  enqueue: ScheduledEnqueueOptions,
): Schedule {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new TaskDefinitionError(
      `A schedule's name must be 1 to 80 letters, digits, dots, dashes or underscores (got ${show(name)}).`,
    )
  }
  checkOptions(when, KINDS, `schedule "${name}"`)
  checkOptions(enqueue, ENQUEUE, `the enqueue of schedule "${name}"`)
  const { missed = 'skip', overlap = 'queue', jitter = 0 } = when
  const jitterMs = durationOf(jitter, `jitter of schedule "${name}"`)
  return { name, task, input, enqueue, ...parseWhen(name, when), missed, overlap, jitterMs }
}

function parseWhen(name: string, when: ScheduleOptions): Pick<Schedule, 'when' | 'once' | 'next'> {
  const given = [when.cron, when.every, when.at].filter((value) => value !== undefined)
  if (given.length !== 1) {
    throw new TaskDefinitionError(`Schedule "${name}" needs exactly one of cron, every and at.`)
  }
  if (when.cron !== undefined) return fromCron(name, when.cron, when.timezone ?? 'UTC')
  if (when.timezone !== undefined) {
    throw new TaskDefinitionError(`Schedule "${name}": timezone goes with cron only.`)
  }
  if (when.every !== undefined) {
    const every = durationOf(when.every, `every of schedule "${name}"`, 1000)
    const next = (after: number): number => (Math.floor(after / every) + 1) * every
    return { when: `every ${describeDuration(every)}`, once: false, next }
  }
  const at = Number(when.at)
  return { when: new Date(at).toISOString(), once: true, next: (after) => (after < at ? at : undefined) }
}

function fromCron(name: string, expression: string, timezone: string): Pick<Schedule, 'when' | 'once' | 'next'> {
  const cron = parseCron(expression)
  const offset = zoneOffset(timezone)
  if (nextCronSlot(cron, offset, Date.UTC(2024, 0, 1)) === undefined) {
    throw new TaskDefinitionError(`Schedule "${name}": cron ${JSON.stringify(expression)} never comes.`)
  }
  return {
    when: timezone === 'UTC' ? expression : `${expression} ${timezone}`,
    once: false,
    next: (after) => nextCronSlot(cron, offset, after),
  }
}
