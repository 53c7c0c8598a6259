import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SLOWEST, slowestFirst } from '../src/slowest-first.js'

test('every file that is to be run first is there: one that was renamed would run last again', () => {
  const root = new URL('../../../', import.meta.url)
  expect(SLOWEST.filter((path) => !existsSync(new URL(path, root)))).toEqual([])
})

test('what takes longest comes first, and the others keep their order', () => {
  const [slowest = '', next = ''] = SLOWEST
  const files = ['/b.test.ts', `/a/${next}`, '/a.test.ts', `/a/${slowest}`]
  expect(slowestFirst(files, String)).toEqual([`/a/${slowest}`, `/a/${next}`, '/b.test.ts', '/a.test.ts'])
})
