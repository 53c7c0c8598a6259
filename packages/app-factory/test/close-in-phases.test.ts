import { expect, test } from 'vitest'
import { type ClosePlan, closeInPhases } from '../src/close-in-phases.js'
import type { Part } from '../src/part.js'
import { TrackedWork } from '../src/tracked-work.js'

function plan(over: Partial<ClosePlan>): ClosePlan {
  return {
    deadlineMs: 2000,
    drainDelayMs: 0,
    intakes: [],
    tracked: new TrackedWork(),
    parts: [],
    closeConnections: async () => {},
    ...over,
  }
}

function part(name: string, over: Partial<Part>): Part {
  return { name, api: undefined, enabled: true, required: false, ...over }
}

test('closes in order: intake, drain, parts backwards, connections last', async () => {
  const said: string[] = []
  const say = (word: string) => async () => {
    said.push(word)
  }
  const report = await closeInPhases(
    plan({
      intakes: [{ name: 'http', stop: say('http') }],
      parts: [
        part('first', { drain: say('drain first'), close: say('close first') }),
        part('second', { stopIntake: say('stop second'), close: say('close second') }),
      ],
      closeConnections: say('connections'),
    }),
  )
  expect(said).toEqual(['http', 'stop second', 'drain first', 'close second', 'close first', 'connections'])
  expect(report.clean).toBe(true)
  expect(report.steps).toHaveLength(6)
})

test('a step that hangs is left behind, told by its signal, and reported; the next ones run', async () => {
  let told = false
  const report = await closeInPhases(
    plan({
      deadlineMs: 400,
      parts: [
        part('good', { close: async () => {} }),
        part('hanging', {
          close: (signal) =>
            new Promise<void>(() => {
              signal.addEventListener('abort', () => (told = true))
            }),
        }),
      ],
    }),
  )
  expect(report.steps.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    'hanging timeout',
    'good closed',
    'connections closed',
  ])
  expect(told).toBe(true)
  expect(report.clean).toBe(false)
})

test('a step that throws is reported and hides nothing', async () => {
  const report = await closeInPhases(
    plan({
      intakes: [
        {
          name: 'http',
          stop: () => {
            throw new Error('no')
          },
        },
      ],
      closeConnections: () => Promise.reject(new Error('no')),
    }),
  )
  expect(report.steps.map((step) => step.outcome)).toEqual(['failed', 'failed'])
})

test('tracked work is waited for', async () => {
  let done = false
  const work = new Promise<void>((resolve) => setTimeout(resolve, 30)).then(() => {
    done = true
  })
  const tracked = new TrackedWork()
  void tracked.add(work)
  await closeInPhases(plan({ tracked }))
  expect(done).toBe(true)
})
