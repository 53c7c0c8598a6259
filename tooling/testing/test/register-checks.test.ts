import { describe, expect, test } from 'vitest'
import { type Check, failedChecks, registerChecks, registerSabotage } from '../src/index.js'

const checks: readonly Check<Map<string, number>>[] = [
  {
    name: 'gives back what was set',
    run: async (map) => {
      map.set('a', 1)
      expect(map.get('a')).toBe(1)
    },
  },
  {
    name: 'is empty at first',
    run: async (map) => expect(map.size).toBe(0),
  },
]

class Forgetful extends Map<string, number> {
  override set(): this {
    return this
  }
}

const closed: string[] = []

describe('checks', () => {
  registerChecks(checks, ({ onClose }) => {
    onClose(() => closed.push('first registered'))
    onClose(() => closed.push('last registered'))
    return new Map<string, number>()
  })

  test('each ran on a fixture of its own, closed backwards', () => {
    expect(closed).toEqual(['last registered', 'first registered', 'last registered', 'first registered'])
  })
})

registerSabotage(checks, {
  'forgets what it is given': () => new Forgetful(),
  'is born full': () => new Map([['b', 2]]),
})

test('a sound implementation fails no check', async () => {
  expect(await failedChecks(checks, () => new Map())).toEqual([])
})

test('a check that never ends has failed', async () => {
  const endless = { name: 'ends', run: () => new Promise<void>(() => {}) }
  expect(await failedChecks([endless], () => undefined, 20)).toEqual(['ends'])
})
