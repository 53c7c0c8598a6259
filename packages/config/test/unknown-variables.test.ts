import { describe, expect, test } from 'vitest'
import { ConfigError, choice, explain, type Fault, group, loadConfig, secret, section, text } from '../src/index.js'

const shared = { env: 'REDIS_URL', meaning: 'The shared one.', example: 'redis://h' }
const shop = section({
  title: 'Shop',
  about: 'A shop.',
  switch: 'SHOP_ENABLED',
  prefixes: ['SHOP_'],
  fields: {
    backend: choice('SHOP_BACKEND', ['memory', 'redis'], {
      meaning: 'Where.',
      default: 'memory',
      misnomers: ['SHOP_DRIVER', 'DRIVER'],
    }),
    redis: group({
      when: { backend: ['redis'] },
      fields: {
        url: text('SHOP_REDIS_URL', { meaning: 'Its Redis.', shared }),
        password: secret('SHOP_REDIS_PASSWORD', { meaning: 'Its password.' }),
      },
    }),
  },
})

function judge(env: Readonly<Record<string, string>>): { faults: readonly Fault[]; warnings: readonly Fault[] } {
  try {
    return { faults: [], warnings: explain(loadConfig({ env, sections: { shop } })).warnings }
  } catch (error) {
    if (error instanceof ConfigError) return { faults: error.faults, warnings: [] }
    throw error
  }
}

describe('a variable that nothing reads', () => {
  test.each([
    ['SHOP_BACKND', 'SHOP_BACKEND'],
    ['SHOP_BACKEDN', 'SHOP_BACKEND'],
    ['shop_backend', 'SHOP_BACKEND'],
    ['Shop_Backend', 'SHOP_BACKEND'],
    ['SHOP_ENABLE', 'SHOP_ENABLED'],
    ['SHOP_DRIVER', 'SHOP_BACKEND'],
    ['SHOP_BACKND_FILE', 'SHOP_BACKEND_FILE'],
  ])('%s is a fault, because %s was meant', (name, meant) => {
    const { faults } = judge({ [name]: 'memory' })
    expect(faults).toMatchObject([{ id: 'unknown-variable', subjects: [name] }])
    expect(faults[0]?.remedy).toContain(`Did you mean ${meant}?`)
  })

  test.each([
    ['SHOP_COLOUR', 'resembles nothing'],
    ['SHOP_REDIS_URI', 'resembles what is not in effect'],
    ['REDIS_URI', 'resembles ours without our prefix'],
    ['SHOPP_BACKEND', 'resembles ours without our prefix'],
    ['DRIVER', 'is a wrong name without our prefix'],
  ])('%s is a warning, because it %s', (name) => {
    const { faults, warnings } = judge({ [name]: 'x' })
    expect(faults).toEqual([])
    expect(warnings).toMatchObject([{ id: 'unknown-variable', subjects: [name] }])
  })

  test('is a fault under CONFIG_STRICT, whatever it resembles', () => {
    expect(judge({ SHOP_COLOUR: 'red', CONFIG_STRICT: 'true' }).faults).toMatchObject([{ subjects: ['SHOP_COLOUR'] }])
  })

  test('is accepted when CONFIG_IGNORE names it', () => {
    expect(judge({ SHOP_BACKND: 'x', SHOP_COLOUR: 'red', CONFIG_IGNORE: 'SHOP_COLOUR, SHOP_BACKND' })).toEqual({
      faults: [],
      warnings: [],
    })
  })

  test('is never quoted', () => {
    expect(JSON.stringify(judge({ SHOP_REDIS_PASSWRD: 'hunter2', SHOP_BACKEND: 'redis' }))).not.toContain('hunter2')
  })

  test.each(['PATH', 'HOME', 'npm_config_cache', 'CI', 'REDIS_HOST', 'BACKEND', 'VITEST_SHOP'])(
    '%s is left alone',
    (name) => {
      expect(judge({ [name]: 'x' })).toEqual({ faults: [], warnings: [] })
    },
  )

  test('is left alone when Kubernetes put it there for a service of that name', () => {
    const links = {
      SHOP_SERVICE_HOST: '10.0.0.1',
      SHOP_SERVICE_PORT_HTTP: '80',
      SHOP_PORT: 'tcp://10.0.0.1:80',
      SHOP_PORT_80_TCP_ADDR: '10.0.0.1',
    }
    expect(judge(links)).toEqual({ faults: [], warnings: [] })
  })
})

describe('a shared variable', () => {
  test('that nothing uses is pointed out', () => {
    const { warnings } = judge({ REDIS_URL: 'redis://h' })
    expect(warnings).toMatchObject([{ id: 'unused-variable', subjects: ['REDIS_URL'] }])
    expect(warnings[0]?.remedy).toContain('SHOP_BACKEND=redis')
    expect(judge({ REDIS_URL: 'redis://h', CONFIG_IGNORE: 'REDIS_URL' }).warnings).toEqual([])
  })

  test('that something uses is not', () => {
    expect(judge({ REDIS_URL: 'redis://h', SHOP_BACKEND: 'redis' })).toEqual({ faults: [], warnings: [] })
  })
})

test('an id in CONFIG_IGNORE that names no rule is pointed out', () => {
  expect(judge({ CONFIG_IGNORE: 'prod-nothing' }).warnings).toMatchObject([{ id: 'unknown-rule' }])
})
