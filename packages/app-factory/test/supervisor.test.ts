import type { AvailabilityChange, ComponentTransition } from '@plinth/core'
import { expect, onTestFinished, test } from 'vitest'
import type { Part } from '../src/part.js'
import { Supervisor } from '../src/supervisor.js'

const quick = { everyMs: 10, firstRetryMs: 10, maxRetryMs: 20 }

function supervised(part: Partial<Part>) {
  const seen: string[] = []
  const supervisor = new Supervisor(
    { name: 'search', api: undefined, enabled: true, required: false, ...part },
    { onTransition: ({ to }: ComponentTransition) => seen.push(to) },
    quick,
  )
  onTestFinished(() => supervisor.stop())
  return { supervisor, seen }
}

function refused(): Error {
  return Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })
}

test('a refused connection of a user is an outage, and its start is tried again until it succeeds', async () => {
  let starts = 0
  const { supervisor, seen } = supervised({
    start: async () => {
      starts++
      if (starts < 3) throw refused()
    },
  })
  expect(await supervisor.start(1000)).toMatchObject({ reason: 'outage' })
  await expect.poll(() => supervisor.report.state).toBe('healthy')
  expect(starts).toBe(3)
  expect(seen).toEqual(['degraded', 'healthy'])
})

test('a part that never started is started again, not probed', async () => {
  const calls: string[] = []
  const { supervisor } = supervised({
    start: async () => {
      calls.push('start')
      if (calls.length < 3) throw refused()
    },
    probe: async () => void calls.push('probe'),
  })
  await supervisor.start(1000)
  await expect.poll(() => calls.includes('probe')).toBe(true)
  expect(calls.slice(0, 4)).toEqual(['start', 'start', 'start', 'probe'])
})

test('a part whose probe fails is degraded, and healthy when it answers again', async () => {
  let isUp = true
  const { supervisor, seen } = supervised({
    start: async () => {},
    probe: async () => {
      if (!isUp) throw refused()
    },
  })
  await supervisor.start(1000)
  isUp = false
  await expect.poll(() => supervisor.report.state).toBe('degraded')
  isUp = true
  await expect.poll(() => supervisor.report.state).toBe('healthy')
  expect(seen).toEqual(['healthy', 'degraded', 'healthy'])
})

test('what arrives after the stop changes nothing', async () => {
  let finish: () => void = () => {}
  let tell: (change: AvailabilityChange) => void = () => {}
  const { supervisor, seen } = supervised({
    start: () => new Promise<void>((resolve) => (finish = resolve)),
    watch: (listener) => {
      tell = listener
      return () => {}
    },
  })
  expect(await supervisor.start(10)).toMatchObject({ reason: 'timeout' })
  supervisor.stop()
  finish()
  tell({ available: true, downForMs: 5 })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(supervisor.report.state).toBe('stopping')
  expect(seen).toEqual(['degraded', 'stopping'])
})

test('a late start and its watcher tell of the return once', async () => {
  let finish: () => void = () => {}
  let tell: (change: AvailabilityChange) => void = () => {}
  const { supervisor, seen } = supervised({
    start: () => new Promise<void>((resolve) => (finish = resolve)),
    watch: (listener) => {
      tell = listener
      listener({ available: false, downForMs: 0 })
      return () => {}
    },
  })
  await supervisor.start(10)
  finish()
  tell({ available: true, downForMs: 5 })
  await expect.poll(() => supervisor.report.state).toBe('healthy')
  expect(seen).toEqual(['degraded', 'healthy'])
})
