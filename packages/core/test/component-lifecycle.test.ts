import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { ComponentLifecycle, type Logger } from '@plinth/core'
import { expect, test } from 'vitest'

function lifecycleOnFakeClock() {
  let time = 0
  const lines: { level: string; facts: Record<string, unknown>; message: string }[] = []
  const write = (level: string) => (facts: Readonly<Record<string, unknown>>, message: string) => {
    lines.push({ level, facts: { ...facts }, message })
  }
  const logger: Logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const lifecycle = new ComponentLifecycle({
    name: 'cache',
    required: false,
    backend: 'redis',
    clock: { now: () => time, elapsed: () => time },
    logger,
  })
  return { lifecycle, lines, pass: (ms: number) => (time += ms) }
}

test('an outage writes one line, and its end another with the downtime and the failures in between', () => {
  const { lifecycle, lines, pass } = lifecycleOnFakeClock()
  lifecycle.move('healthy')
  lifecycle.move('degraded', { reason: 'outage', error: new Error('ECONNREFUSED') })
  for (let i = 0; i < 50; i++) {
    pass(100)
    lifecycle.failure({ reason: 'outage' })
  }
  lifecycle.move('healthy')
  const loud = lines.filter((line) => line.level !== 'debug')
  expect(loud.map((line) => line.level)).toEqual(['warn', 'info'])
  expect(loud[1]?.facts).toMatchObject({ downForMs: 5000, suppressed: 50, from: 'degraded', state: 'healthy' })
})

test('a long outage says so once a minute', () => {
  const { lifecycle, lines, pass } = lifecycleOnFakeClock()
  lifecycle.move('degraded', { reason: 'outage' })
  for (let i = 0; i < 180; i++) {
    pass(1000)
    lifecycle.failure({ reason: 'outage' })
  }
  expect(lines.filter((line) => line.message === 'still down')).toHaveLength(3)
})

test('the downtime runs from the first step down, through degraded and failed, to healthy', () => {
  const { lifecycle, lines, pass } = lifecycleOnFakeClock()
  lifecycle.move('degraded', { reason: 'outage' })
  pass(10)
  lifecycle.move('failed', { reason: 'misconfigured' })
  pass(10)
  lifecycle.move('healthy')
  expect(lines.at(-1)?.facts).toMatchObject({ downForMs: 20 })
  expect(lifecycle.report.reason).toBeUndefined()
})

test('a late event after stopping changes nothing', () => {
  const { lifecycle } = lifecycleOnFakeClock()
  lifecycle.move('healthy')
  lifecycle.move('stopping')
  expect(lifecycle.move('healthy')).toBe(false)
  lifecycle.move('stopped')
  expect(lifecycle.move('starting')).toBe(false)
  expect(lifecycle.state).toBe('stopped')
})

test('every step is told to the diagnostics channel', () => {
  const seen: unknown[] = []
  const listener = (message: unknown) => seen.push(message)
  subscribe('plinth:component:transition', listener)
  const { lifecycle } = lifecycleOnFakeClock()
  lifecycle.move('degraded', { reason: 'outage' })
  unsubscribe('plinth:component:transition', listener)
  expect(seen).toEqual([
    { component: 'cache', from: 'starting', to: 'degraded', reason: 'outage', downForMs: 0, suppressed: 0 },
  ])
})
