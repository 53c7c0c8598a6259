import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { format, inspect } from 'node:util'
import { serialize } from 'node:v8'
import { expect, test } from 'vitest'
import { isSecret, reveal, Secret } from '../src/secret.js'

const value = 'correct-horse-battery'

test('a secret hands out its value only when asked', () => {
  expect(new Secret(value).reveal()).toBe(value)
  expect(reveal(new Secret(value))).toBe(value)
  expect(reveal(value)).toBe(value)
})

test('a secret shows itself nowhere', () => {
  const secret = new Secret(value)
  const holder = { nested: [secret], map: new Map([['key', secret]]), error: new Error('failed', { cause: secret }) }
  const written: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk))
      done()
    },
  })
  new Console(sink).log('%s %o %O %j', secret, secret, secret, secret, holder)
  const shown = [
    `${secret}`,
    String(secret),
    JSON.stringify(holder),
    JSON.stringify({ ...secret }),
    inspect(holder, { depth: 10, showHidden: true }),
    inspect(secret, { customInspect: false, showHidden: true }),
    format('%s %o', secret, holder),
    serialize(structuredClone({ secret })).toString(),
    Object.entries(secret).toString(),
    Reflect.ownKeys(secret).map(String).join(),
    ...written,
  ]
  for (const text of shown) expect(text).not.toContain(value)
  expect(`${secret}`).toBe('[redacted]')
  expect(JSON.stringify({ secret })).toBe('{"secret":"[redacted]"}')
  expect(inspect({ secret })).toBe('{ secret: [redacted] }')
})

test('a secret is told from what only looks like one', () => {
  expect(isSecret(new Secret(1))).toBe(true)
  for (const other of [undefined, null, 'secret', { reveal: () => value }]) expect(isSecret(other)).toBe(false)
})
