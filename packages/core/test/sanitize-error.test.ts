import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { BackendUnavailableError } from '../src/infra-error.js'
import { redactText, sanitizeError } from '../src/sanitize-error.js'

const secret = 'hunter2-not-for-logs'

function everythingIn(error: unknown): string {
  const parts = error instanceof Error ? [error.message, error.stack, JSON.stringify(error)] : []
  return [inspect(error, { depth: 10, showHidden: true }), ...parts].join('\n')
}

describe('sanitising an error', () => {
  test('keeps the name of a command and the number of its arguments, and no argument', () => {
    const error = Object.assign(new Error('WRONGPASS invalid username-password pair'), {
      command: { name: 'hello', args: ['3', 'AUTH', 'default', secret] },
    })
    const clean = sanitizeError(error)
    expect(clean).toMatchObject({ command: { name: 'hello', argCount: 4 }, message: error.message })
    expect(everythingIn(clean)).not.toContain(secret)
  })

  test('removes arguments that a server echoes', () => {
    const error = new Error(`ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' '${secret}' `)
    expect(sanitizeError(error).message).toBe("ERR unknown command 'HELLO', with args beginning with: [redacted]")
    expect(everythingIn(sanitizeError(error))).not.toContain(secret)
  })

  test('removes credentials from URLs and keeps the host', () => {
    expect(redactText(`cannot reach amqps://shop:${secret}@rabbit.internal:5671/v`)).toBe(
      'cannot reach amqps://[redacted]@rabbit.internal:5671/v',
    )
    expect(redactText('see https://example.com/a?b=c@d')).toBe('see https://example.com/a?b=c@d')
  })

  test('removes a known secret wherever it stands, also percent-encoded', () => {
    const odd = 'pä ss/word#1'
    const error = new Error(`login as ${odd} (${encodeURIComponent(odd)}) failed`)
    expect(sanitizeError(error, { secrets: [odd] }).message).toBe('login as [redacted] ([redacted]) failed')
  })

  test('goes through causes, aggregates and the last error of a node', () => {
    const leaf = (): Error => Object.assign(new Error('no'), { command: { name: 'auth', args: [secret] } })
    const cluster = Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError: leaf() })
    const clean = sanitizeError(new Error('a', { cause: new AggregateError([leaf(), cluster], 'b') }))
    expect(everythingIn(clean)).not.toContain(secret)
    const aggregate = clean.cause as Error & { errors: readonly Error[] }
    expect(aggregate.errors[1]?.cause).toMatchObject({ message: 'no', command: { name: 'auth', argCount: 1 } })
  })

  test('ends on a circle of causes', () => {
    const error = new Error('a')
    error.cause = error
    expect(sanitizeError(error).message).toBe('a')
  })

  test('keeps what tells a failure apart: name, code, address and stack', () => {
    const error = Object.assign(new Error('connect ECONNREFUSED'), {
      name: 'ConnectError',
      code: 'ECONNREFUSED',
      errno: -111,
      address: '127.0.0.1',
      port: 6379,
      request: { headers: { 'X-Postmark-Server-Token': secret } },
    })
    const clean = sanitizeError(error)
    expect(clean).toMatchObject({ name: 'ConnectError', code: 'ECONNREFUSED', errno: -111, address: '127.0.0.1' })
    expect(clean.stack).toContain('sanitize-error.test.ts')
    expect(everythingIn(clean)).not.toContain(secret)
  })

  test('answers an error of the house as it is, and makes an error of anything else', () => {
    const own = new BackendUnavailableError('away', { reason: 'closed' })
    expect(sanitizeError(own)).toBe(own)
    expect(sanitizeError(`auth failed: ${secret}`, { secrets: [secret] }).message).toBe('auth failed: [redacted]')
    expect(sanitizeError({ password: secret }).message).toBe('what was thrown is no error (object)')
  })
})
