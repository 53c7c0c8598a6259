import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inTime } from '../src/index.js'

test('work that ends, well or not, before the time is up is in time', async () => {
  expect(await inTime(20_000, Promise.resolve())).toBe(true)
  expect(await inTime(20_000, Promise.reject(new Error('no')))).toBe(true)
})

test('work that waits for something else is late', async () => {
  expect(await inTime(10, new Promise(() => {}))).toBe(false)
})

test('a machine that stands still makes nobody late who has a shorter deadline', async () => {
  const work = pause(50)
  const verdict = inTime(100, work)
  const end = performance.now() + 300
  while (performance.now() < end); // a busy loop, like a machine that runs something else
  expect(await verdict).toBe(true)
})
