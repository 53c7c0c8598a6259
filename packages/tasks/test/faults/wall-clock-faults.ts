import { closeWithFile } from '@plinth/testing'
import { expect, test } from 'vitest'
import type { TaskBroker } from '../../src/broker.js'
import { createTasks, type ScheduleOptions } from '../../src/index.js'
import { type BrokerPlace, brokerAt } from './broker-place.js'
import { eventually } from './eventually.js'
import type { FaultBed } from './fault-bed.js'
import { tickTask } from './tick-task.js'
import { type WallClock, wallClock } from './wall-clock.js'

const berlin = { timezone: 'Europe/Berlin' }
const minutes = (count: number): number => count * 60_000
const timeout = 280_000

/** Clocks change, or are set, while schedules are led by one of two processes on a real broker. */
export function wallClockFaults(bed: () => FaultBed): void {
  const expectSlots = async (run: ScheduleRun, expected: readonly string[]): Promise<void> =>
    expect(await slotsOf(await bed().place(), run, expected.length)).toEqual(expected)

  test('a time that is skipped in spring runs once, later; one that comes twice in autumn runs the first time', {
    timeout,
  }, async () => {
    const nightly = (start: string): ScheduleRun => ({
      when: { cron: '30 2 * * *', ...berlin },
      start,
      during: ({ advance }) => advance(minutes(65)),
    })
    await expectSlots(nightly('2025-03-30T00:28:00Z'), ['03-30T01:30'])
    await expectSlots(nightly('2025-10-26T00:28:00Z'), ['10-26T00:30'])
  })

  test('what runs every ten minutes does so while the clock goes forward and while it goes back', {
    timeout,
  }, async () => {
    for (const night of ['03-30', '10-26']) {
      const often: ScheduleRun = {
        when: { cron: '*/10 * * * *', ...berlin },
        start: `2025-${night}T00:48:00Z`,
        during: ({ advance }) => advance(minutes(25)),
      }
      const slots = ['00:50', '01:00', '01:10'].map((time) => `${night}T${time}`)
      await expectSlots(often, slots)
    }
  })

  test('a wall clock that is set back runs no slot twice', { timeout }, async () => {
    const setBack: ScheduleRun = {
      when: { cron: '* * * * *' },
      start: '2025-01-01T00:00:30Z',
      during: async ({ advance, jump }) => {
        await advance(minutes(5))
        jump(-minutes(5))
        await advance(minutes(8))
      },
    }
    const slots = [1, 2, 3, 4, 5, 6, 7, 8].map((minute) => `01-01T00:0${minute}`)
    await expectSlots(setBack, slots)
  })

  test('a wall clock that is set forward passes over what it skipped, or makes up for it when told to', {
    timeout,
  }, async () => {
    const jumpAnHour = (missed: 'skip' | 'latest' | 'all'): ScheduleRun => ({
      when: { cron: '*/10 * * * *', missed },
      start: '2025-01-01T00:08:00Z',
      during: async ({ advance, jump }) => {
        await advance(minutes(5))
        jump(minutes(60))
        await advance(minutes(8))
      },
    })
    const skipped = ['00:20', '00:30', '00:40', '00:50', '01:00', '01:10'].map((time) => `01-01T${time}`)
    await expectSlots(jumpAnHour('skip'), ['01-01T00:10', '01-01T01:20'])
    await expectSlots(jumpAnHour('latest'), ['01-01T00:10', '01-01T01:10', '01-01T01:20'])
    await expectSlots(jumpAnHour('all'), ['01-01T00:10', ...skipped, '01-01T01:20'])
  })
}

/** A schedule, when its workers begin, and how the time goes on. */
interface ScheduleRun {
  readonly when: ScheduleOptions
  readonly start: string
  readonly during: (clock: WallClock) => Promise<void>
}

/** Has two workers run a schedule, of which one leads. Answers the slots that ran, at least `count` and in order, as UTC times. */
async function slotsOf(place: BrokerPlace, run: ScheduleRun, count: number): Promise<readonly string[]> {
  const { when, start, during } = run
  const clock = wallClock(new Date(start))
  const slots: string[] = []
  const task = tickTask(slots)
  const services = [0, 1].map(() => {
    const broker = brokerAt(place)
    const tasks = createTasks({ broker: withClock(broker, clock), tasks: [task], enqueueTimeout: '60s' })
    closeWithFile(() => tasks.close({ deadline: '1s' }))
    return { broker, tasks }
  })
  for (const { tasks } of services) {
    await tasks.open({ deadlineMs: 60_000 })
    // The clock does not wait for the tasks: a slot is not to be skipped because the one before it has not ended.
    tasks.schedule('tick', { overlap: 'queue', ...when }, task)
    await tasks.worker({ concurrency: 1 }).start()
  }
  await during(clock)
  await eventually(() => slots.length >= count)
  const { broker } = services[0] ?? {} // nor is there one too many
  await eventually(async () => (await broker?.counts('default', { deadlineMs: 60_000 }))?.waiting === 0)
  for (const { tasks } of services) await tasks.close({ deadline: '60s' }) // what runs ends before
  return slots.sort()
}

/** The same broker, by another time: of what is done here only the leader of the schedules sleeps by it. */
function withClock(broker: TaskBroker, clock: WallClock): TaskBroker {
  return new Proxy(broker, {
    get: (target, name) => {
      if (name === 'clock') return clock
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
