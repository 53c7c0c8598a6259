import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { ConfigError, describeFaults } from '../src/config-error.js'
import { parseDuration } from '../src/units.js'

const first = { id: 'invalid', subjects: ['PORT'], problem: 'must be a port', remedy: 'Set it like PORT=3000.' }
const second = { id: 'set-twice', subjects: ['A', 'A_FILE'], problem: 'are both set', remedy: 'Keep one of them.' }

test('one fault is one line, several are a list', () => {
  expect(describeFaults([first])).toBe('PORT must be a port. Set it like PORT=3000.')
  expect(describeFaults([first, second])).toBe(
    [
      'The configuration has 2 faults:',
      '  - PORT must be a port.\n    Set it like PORT=3000.',
      '  - A and A_FILE are both set.\n    Keep one of them.',
    ].join('\n'),
  )
  expect(describeFaults([])).toBe('The configuration is valid.')
})

test('an error carries its faults as data, and a console shows its message once', () => {
  const error = new ConfigError([first, second])
  expect(error).toMatchObject({
    name: 'ConfigError',
    code: 'CONFIG_INVALID',
    retryable: false,
    faults: [first, second],
  })
  expect(inspect(error).match(/PORT must be a port/g)).toHaveLength(1)
  expect(inspect({ nested: { error } })).toContain('PORT must be a port')
  expect(JSON.parse(JSON.stringify(error)).faults).toEqual([first, second])
})

test('an option that is wrong in code points to the code', () => {
  expect(() => parseDuration('soon', 'ttl')).toThrow(
    expect.objectContaining({ stack: expect.stringContaining('parseDuration') }),
  )
})

test('a process that lets the error through ends with 1, and its output is the list without a stack', () => {
  const program = `
    import { integer, loadConfig, section } from '${new URL('../src/index.ts', import.meta.url).href}'
    const shop = section({ title: 'Shop', about: '', prefixes: ['SHOP_'], fields: { size: integer('SHOP_SIZE', { meaning: '' }) } })
    loadConfig({ env: { SHOP_SIZE: 'x', SHOP_SIZ: '1' }, sections: { shop } })`
  const flags = ['--import', 'tsx', '--conditions=@plinth/source', '--input-type=module', '--eval', program]
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8', cwd: root })
  expect(status).toBe(1)
  expect(stderr).toContain('The configuration has 2 faults:\n  - SHOP_SIZE must be a whole number')
  expect(stderr).not.toMatch(/^\s+at /m)
})
