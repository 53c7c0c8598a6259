import { expect, test } from 'vitest'
import { leakCheck, spawnTypescript } from '../src/index.js'

leakCheck()

const echo = new URL('./children/echo.ts', import.meta.url)

test('a TypeScript child runs against the sources and talks in lines of JSON', async () => {
  const child = spawnTypescript(echo, ['one', 'two'])
  expect(await child.receive()).toEqual({
    ready: true,
    args: ['one', 'two'],
    conditions: ['--conditions=@plinth/source'],
  })
  expect(child.output).toBe('not a message\n')
  child.send({ text: 'a\nb' })
  expect(await child.receive()).toEqual({ echo: { text: 'a\nb' } })
  child.send('exit')
  expect(await child.ended).toEqual({ code: 3, signal: null })
  await expect(child.receive()).rejects.toThrow('ended')
})

test('a child that is silent is an error that shows what it wrote', async () => {
  const child = spawnTypescript(echo, [], { receiveTimeout: 2_000 })
  await expect(child.receive((message) => message === 'never')).rejects.toThrow('not a message')
  child.signal('SIGTERM')
  expect(await child.ended).toEqual({ code: null, signal: 'SIGTERM' })
})
