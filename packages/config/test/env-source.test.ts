import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError, explain, integer, loadConfig, secret, section, text } from '../src/index.js'

const shop = section({
  title: 'Shop',
  about: 'A shop.',
  prefixes: ['SHOP_'],
  fields: {
    name: text('SHOP_NAME', { meaning: 'Its name.' }),
    size: integer('SHOP_SIZE', { meaning: 'Its size.', default: 1 }),
    token: secret('SHOP_TOKEN', { meaning: 'Its token.' }),
  },
})

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

function load(env: Readonly<Record<string, string | undefined>>, envFiles: readonly string[] = []) {
  return loadConfig({ env, sections: { shop }, envFiles })
}

function messageOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('it loaded')
}

function originOf(config: object, name: string) {
  return explain(config).variables.find(({ variable }) => variable === name)?.origin
}

describe('a blank variable', () => {
  test.each(['', ' ', '\t\n'])('%j is an unset one', (blank) => {
    expect(load({ SHOP_NAME: blank, SHOP_SIZE: blank, SHOP_TOKEN: blank }).shop).toEqual({ name: undefined, size: 1 })
  })
})

describe('X_FILE', () => {
  test('reads a mounted secret without the newline at its end, and nothing else of it', () => {
    const config = load({ SHOP_TOKEN_FILE: file('token', ' s3cret \n') })
    expect(config.shop.token?.reveal()).toBe(' s3cret ')
    expect(originOf(config, 'SHOP_TOKEN')).toEqual({ from: 'secret-file', variable: 'SHOP_TOKEN_FILE' })
  })

  test('works for every variable, and an empty file is an unset variable', () => {
    expect(load({ SHOP_SIZE_FILE: file('size', '42\r\n') }).shop.size).toBe(42)
    expect(load({ SHOP_SIZE_FILE: file('empty', '\n') }).shop.size).toBe(1)
  })

  test('beside X is a fault', () => {
    const both = { SHOP_NAME: 'a', SHOP_NAME_FILE: file('name', 'a') }
    expect(messageOf(() => load(both))).toBe('SHOP_NAME and SHOP_NAME_FILE are both set. Keep one of them.')
  })

  test('never shows what is in the file', () => {
    const message = messageOf(() => load({ SHOP_SIZE_FILE: file('wrong', 'hunter2') }))
    expect(message).toMatch(/^SHOP_SIZE_FILE must be a whole number/)
    expect(message).not.toContain('hunter2')
  })

  test.each([
    ['a missing file', '/nowhere/hunter2', 'ENOENT'],
    ['a folder', tmpdir(), 'not a regular file'],
    ['a device', '/dev/zero', 'not a regular file'],
    ['no path at all', 'hunter2\0', 'ERR_INVALID_ARG_VALUE'],
  ])('that names %s is a fault without the path', (_, path, reason) => {
    const message = messageOf(() => load({ SHOP_TOKEN_FILE: path }))
    expect(message).toContain(`SHOP_TOKEN_FILE names a file that cannot be read (${reason})`)
    expect(message).not.toContain(path)
  })

  test('that names a pipe is a fault at once, also when nobody writes', () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    expect(messageOf(() => load({ SHOP_TOKEN_FILE: pipe }))).toContain('not a regular file')
  })

  test('that names a file of more than 64 KiB is a fault', () => {
    expect(load({ SHOP_TOKEN_FILE: file('large', 'x'.repeat(65_536)) }).shop.token?.reveal()).toHaveLength(65_536)
    expect(messageOf(() => load({ SHOP_TOKEN_FILE: file('larger', 'x'.repeat(65_537)) }))).toContain(
      'larger than 64 KiB',
    )
  })
})

describe('.env files', () => {
  test('are read when asked for: the environment wins over later files, those over earlier ones', () => {
    const first = file('.env', 'SHOP_NAME=first\nSHOP_SIZE=2\nSHOP_TOKEN="quoted # value"\n# SHOP_SIZE=9\n')
    const second = file('.env.local', 'SHOP_NAME=second\nSHOP_SIZE=3\n')
    const config = load({ SHOP_SIZE: '4' }, [first, second])
    expect(config.shop).toMatchObject({ name: 'second', size: 4 })
    expect(config.shop.token?.reveal()).toBe('quoted # value')
    expect(originOf(config, 'SHOP_NAME')).toEqual({ from: 'env-file', file: second, variable: 'SHOP_NAME' })
    expect(originOf(config, 'SHOP_SIZE')).toEqual({ from: 'env', variable: 'SHOP_SIZE' })
  })

  test('are not read unless asked for, and not in tests', () => {
    const path = file('.env.ignored', 'SHOP_NAME=from-file')
    expect(load({}).shop.name).toBeUndefined()
    expect(load({ NODE_ENV: 'test' }, [path]).shop.name).toBeUndefined()
    expect(load({ VITEST: 'true' }, [path]).shop.name).toBeUndefined()
    expect(load({ NODE_ENV: 'development' }, [path]).shop.name).toBe('from-file')
  })

  test('may be missing, but not unreadable', () => {
    expect(load({}, [join(folder, 'none')]).shop.size).toBe(1)
    expect(messageOf(() => load({}, [folder]))).toContain(`${folder} cannot be read (not a regular file)`)
  })

  test('may give X_FILE, and the environment still wins', () => {
    const path = file('.env.files', `SHOP_NAME_FILE=${file('named', 'from-mount')}`)
    expect(load({}, [path]).shop.name).toBe('from-mount')
    expect(load({ SHOP_NAME: 'env' }, [path]).shop.name).toBe('env')
  })

  test('are searched for misspelt variables too', () => {
    expect(messageOf(() => load({}, [file('.env.typo', 'SHOP_NAMW=x')]))).toContain('Did you mean SHOP_NAME?')
  })
})

test('neither the environment nor the sections are changed', () => {
  const env = Object.freeze({ SHOP_NAME: '', SHOP_SIZE: '3' })
  const before = JSON.stringify(shop)
  load(env)
  expect(env).toEqual({ SHOP_NAME: '', SHOP_SIZE: '3' })
  expect(JSON.stringify(shop)).toBe(before)
})
