import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format, inspect } from 'node:util'
import { ConfigError, describeExplanation, explain, fieldsOf, loadConfig, Secret } from '@plinth/config'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { sections } from '../src/config.js'

type Env = Readonly<Record<string, string>>

const SECRET = 'hunter2-5ecret'
const folder = mkdtempSync(join(tmpdir(), 'plinth-secrets-'))
const mounted = join(folder, 'secret')
writeFileSync(mounted, `${SECRET}\n`)
afterAll(() => rmSync(folder, { recursive: true }))

/** Everything that somebody could print of what came of an environment. */
function everythingShown(env: Env): string[] {
  try {
    const config = loadConfig({ env, sections })
    const explanation = explain(config)
    return [
      inspect(config, { depth: 20, showHidden: true }),
      inspect(config, { depth: 20, customInspect: false, getters: true }),
      JSON.stringify(config),
      format('%s %o %O %j', config, config, config, config),
      JSON.stringify(explanation),
      inspect(explanation, { depth: 20 }),
      describeExplanation(explanation),
    ]
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return [error.message, String(error.stack), JSON.stringify(error), inspect(error, { depth: 20, showHidden: true })]
  }
}

function secretsIn(value: unknown): Secret<unknown>[] {
  if (value instanceof Secret) return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(secretsIn) : []
}

const backends = {
  redis: { CACHE_BACKEND: 'redis', RATE_LIMITER_BACKEND: 'redis', TASKS_BROKER: 'redis' },
  memcached: { CACHE_BACKEND: 'memcached', RATE_LIMITER_BACKEND: 'memcached', TASKS_BROKER: 'rabbitmq' },
}
const mail = { EMAIL_TRANSPORT: 'postmark', EMAIL_SENDER_ADDRESS: 'hello@example.com', POSTMARK_SERVER_TOKEN: SECRET }
const smtp = { EMAIL_TRANSPORT: 'smtp', EMAIL_SENDER_ADDRESS: 'hello@example.com' }

const sound: readonly Env[] = [
  { ...backends.redis, ...mail, REDIS_URL: `rediss://user:${SECRET}@redis.internal/0` },
  { ...backends.redis, ...mail, CACHE_REDIS_PASSWORD: SECRET, RATE_LIMITER_REDIS_PASSWORD_FILE: mounted },
  {
    ...backends.redis,
    CACHE_REDIS_URL: `redis+cluster://:${SECRET}@a,b`,
    TASKS_REDIS_URL: `unix://:${SECRET}@/r.sock`,
  },
  { ...backends.memcached, CACHE_MEMCACHED_USERNAME: 'u', CACHE_MEMCACHED_PASSWORD: SECRET },
  { ...backends.memcached, RABBITMQ_URL: `amqp://u:${SECRET}@mq/${SECRET}` },
  { ...backends.memcached, ...smtp, EMAIL_SMTP_URL: `smtps://u:${SECRET}@mail:465/?auth=${SECRET}` },
  {
    ...mail,
    POSTMARK_WEBHOOK_USERNAME: 'u',
    POSTMARK_WEBHOOK_PASSWORD: SECRET,
    POSTMARK_WEBHOOK_PASSWORD_PREVIOUS: SECRET,
  },
]

describe('a secret that was set well', () => {
  test.each(sound)('is in the values and in nothing that is shown: %j', (env) => {
    expect(secretsIn(loadConfig({ env, sections })).some((secret) => String(secret.reveal()).includes(SECRET))).toBe(
      true,
    )
    for (const text of everythingShown(env)) expect(text).not.toContain(SECRET)
  })
})

describe('a secret among faults', () => {
  const everything = { ...backends.redis, ...mail, CACHE_BACKEND: 'tiered', PORT: 'wrong' }
  const secretVariables = Object.values(sections)
    .flatMap((part) => [...fieldsOf(part)])
    .filter(({ field }) => field.secret)
    .flatMap(({ field }) => [field.env, ...(field.shared === undefined ? [] : [field.shared.env])])

  test('is shown by no error, whichever secret variable is wrong', () => {
    for (const variable of new Set(secretVariables)) {
      for (const value of [
        SECRET,
        `redis://:${SECRET}#@h`,
        `amqp://${SECRET}`,
        `http://u:${SECRET}@h`,
        `${SECRET}\0`,
      ]) {
        for (const env of [everything, { ...everything, ...backends.memcached, ...smtp }]) {
          for (const name of [variable, `${variable}_FILE`, variable.slice(0, -1)]) {
            for (const text of everythingShown({ ...env, [name]: value })) expect(text).not.toContain(SECRET)
          }
        }
      }
    }
  })

  test('is not shown either when a URL with a password lands in a variable that is no secret', () => {
    for (const { field } of Object.values(sections).flatMap((part) => [...fieldsOf(part)])) {
      const faulty = { ...everything, [field.env]: `redis://:${SECRET}@h:6379` }
      try {
        loadConfig({ env: faulty, sections })
      } catch (error) {
        expect(String(error)).not.toContain(SECRET)
      }
    }
  })
})

describe('whatever the environment holds', () => {
  const names = Object.values(sections).flatMap((part) =>
    [...fieldsOf(part)].flatMap(({ field }) => [field.env, `${field.env}_FILE`, field.shared?.env ?? field.env]),
  )
  const words = [
    'true',
    'false',
    'redis',
    'memcached',
    'tiered',
    'rabbitmq',
    'postmark',
    'smtp',
    'closed',
    'production',
    'test',
  ]
  const urls = [
    'redis://h/1',
    'rediss+cluster://a,b',
    'unix:///x?db=2',
    'amqp://u:p@h',
    'smtp://h',
    'redis+sentinel://a/b/3',
  ]
  const name = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...names, 'NODE_ENV', 'CONFIG_STRICT', 'CONFIG_IGNORE') },
    { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'CACHE_', 'hasOwnProperty', '') },
    { weight: 1, arbitrary: fc.string() },
  )
  const value = fc.oneof(
    fc.constantFrom(...words, ...urls),
    fc.integer().map(String),
    fc.constantFrom('', ' ', '1h', 'a@b.c', '/dev/null', folder, mounted, 'h:1,i:2'),
    fc.string({ unit: 'binary' }),
  )
  const environments = fc.array(fc.tuple(name, value), { maxLength: 40 }).map((entries) => Object.fromEntries(entries))
  const numRuns = process.env.PLINTH_LONG === '1' ? 20_000 : 2_000

  test('loading gives frozen values, or one ConfigError that lists every fault with a remedy', () => {
    fc.assert(
      fc.property(environments, (env) => {
        try {
          const config = loadConfig({ env, sections })
          expect(Object.isFrozen(config.cache) && Object.isFrozen(config.email.allowList)).toBe(true)
          expect(describeExplanation(explain(config))).toContain('Mode: ')
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error
          expect(error.faults.length).toBeGreaterThan(0)
          for (const fault of error.faults) {
            expect(fault.remedy.length).toBeGreaterThan(0)
            expect(error.message).toContain(fault.remedy)
            for (const subject of fault.subjects) expect(error.message).toContain(subject)
          }
        }
      }),
      { numRuns },
    )
  }, 120_000)

  test('with all switches off nothing but the app itself can be wrong', () => {
    const off = Object.fromEntries(
      Object.values(sections).flatMap((part) => (part.switch ? [[part.switch.env, 'false']] : [])),
    )
    const app = new Set([...fieldsOf(sections.app)].map(({ field }) => field.env))
    const own = /^(?:CONFIG_STRICT|NODE_ENV|CONFIG_IGNORE)/
    fc.assert(
      fc.property(environments, (env) => {
        const files = Object.keys(off).map((variable) => [`${variable}_FILE`, ''])
        try {
          loadConfig({ env: { ...env, ...off, ...Object.fromEntries(files), CONFIG_STRICT: 'false' }, sections })
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error
          for (const subject of error.faults.flatMap(({ subjects }) => subjects)) {
            expect(app.has(subject.replace(/_FILE$/, '')) || own.test(subject)).toBe(true)
          }
        }
      }),
      { numRuns },
    )
  }, 120_000)
})
