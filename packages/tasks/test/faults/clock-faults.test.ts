import { describe, expect, test } from 'vitest'
import { createTasks, memoryBroker, type ScheduleOptions, virtualClock } from '../../src/index.js'
import { tickTask } from './tick-task.js'

/** Runs a schedule from `start` on; `during` moves the time. Answers the slots that ran, as UTC times. */
async function slotsOf(
  when: ScheduleOptions,
  start: string,
  during: (clock: { advance(by: string): Promise<void>; jump(ms: number): void }) => Promise<void>,
): Promise<readonly string[]> {
  const clock = virtualClock(new Date(start))
  let offset = 0
  const wall = { ...clock, now: () => clock.now() + offset }
  const slots: string[] = []
  const task = tickTask(slots)
  // Two workers of one place: only one of them leads.
  const place = memoryBroker({ clock: wall })
  const services = [place, place.fork()].map((broker) => createTasks({ broker, tasks: [task] }))
  for (const tasks of services) {
    tasks.schedule('tick', when, task)
    await tasks.worker().start()
  }
  await during({
    advance: (by) => clock.advance(by),
    jump: (ms) => {
      offset += ms
    },
  })
  for (const tasks of services) await tasks.close()
  return slots
}

const berlin = { timezone: 'Europe/Berlin' }

describe('schedules when clocks change', () => {
  test('a time that is skipped in spring runs once, later; one that comes twice in autumn runs the first time', async () => {
    const nightly = { cron: '30 2 * * *', ...berlin }
    expect(await slotsOf(nightly, '2025-03-29T22:00:00Z', (clock) => clock.advance('6h'))).toEqual(['03-30T01:30'])
    expect(await slotsOf(nightly, '2025-10-25T22:00:00Z', (clock) => clock.advance('6h'))).toEqual(['10-26T00:30'])
  })

  test('what runs every half hour does so while the clock goes forward and while it goes back', async () => {
    const often = { cron: '*/30 * * * *', ...berlin }
    for (const night of ['2025-03-29T22:59:59Z', '2025-10-25T21:59:59Z']) {
      const slots = await slotsOf(often, night, (clock) => clock.advance('6h'))
      const first = Date.parse(night) + 1000
      const expected = Array.from({ length: 12 }, (_, n) => new Date(first + n * 1_800_000).toISOString().slice(5, 16))
      expect(slots.slice(0, 12)).toEqual(expected)
    }
  })

  test('a wall clock that is set back runs no slot twice', async () => {
    const slots = await slotsOf({ cron: '*/10 * * * *' }, '2025-01-01T00:05:00Z', async ({ advance, jump }) => {
      await advance('1h')
      jump(-3_600_000)
      await advance('2h')
    })
    expect(new Set(slots).size).toBe(slots.length)
    expect(slots.at(0)).toBe('01-01T00:10')
    expect(slots.at(-1)).toBe('01-01T02:00')
    expect(slots).toHaveLength(12)
  })

  test('a wall clock that is set forward passes over what it skipped, or makes up for it when told to', async () => {
    const jumpAnHour = (missed: 'skip' | 'latest' | 'all'): Promise<readonly string[]> =>
      slotsOf({ cron: '*/10 * * * *', missed }, '2025-01-01T00:05:00Z', async ({ advance, jump }) => {
        await advance('10m')
        jump(3_600_000)
        await advance('10m')
      })
    const skipped = ['00:20', '00:30', '00:40', '00:50', '01:00', '01:10'].map((time) => `01-01T${time}`)
    expect(await jumpAnHour('skip')).toEqual(['01-01T00:10', '01-01T01:20'])
    expect(await jumpAnHour('latest')).toEqual(['01-01T00:10', '01-01T01:10', '01-01T01:20'])
    expect(await jumpAnHour('all')).toEqual(['01-01T00:10', ...skipped, '01-01T01:20'])
  })
})
