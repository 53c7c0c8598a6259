import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { describeEnvExample, describeMarkdown, fieldsOf, loadConfig } from '@plinth/config'
import { describe, expect, test } from 'vitest'
import { sections } from '../src/config.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const refresh = 'stale: run node tooling/scripts/generate.mjs'

const documented = [
  ...Object.values(sections).flatMap((part) => [...fieldsOf(part)].map(({ field }) => field)),
  ...Object.values(sections)
    .flatMap((part) =>
      [...fieldsOf(part)].flatMap(({ field }) => (field.shared === undefined ? [] : [{ ...field, ...field.shared }])),
    )
    .filter((field, index, all) => all.findIndex(({ env }) => env === field.env) === index),
]

describe('.env.example', () => {
  test('is what the sections say', () => {
    expect(readFileSync(`${root}.env.example`, 'utf8'), refresh).toBe(describeEnvExample(sections))
  })

  test('changes nothing when it is copied as it is', () => {
    expect(parseEnv(describeEnvExample(sections))).toEqual({})
  })

  test('names every variable once, with a value that is accepted when the # is taken away', () => {
    const lines = describeEnvExample(sections)
      .split('\n')
      .filter((line) => /^# [A-Z_]+=/.test(line))
    const values = parseEnv(lines.map((line) => line.slice(2)).join('\n')) as Record<string, string>
    expect(lines).toHaveLength(Object.keys(values).length)
    for (const field of documented) {
      expect(Object.keys(values)).toContain(field.env)
      const value = values[field.env]
      if (value) expect([field.env, field.parse(value, field.env).ok]).toEqual([field.env, true])
    }
  })

  test('holds no secret', () => {
    for (const field of documented.filter(({ type }) => type === 'secret')) {
      expect(describeEnvExample(sections)).toContain(`# ${field.env}=\n`)
    }
  })
})

describe('docs/configuration.md', () => {
  test('is what the sections say', () => {
    expect(readFileSync(`${root}docs/configuration.md`, 'utf8'), refresh).toBe(describeMarkdown(sections))
  })

  test('names every variable and every production rule', () => {
    const page = describeMarkdown(sections)
    for (const { env } of documented) expect(page).toContain(`| \`${env}\` |`)
    for (const { id } of Object.values(sections).flatMap(({ rules }) => rules)) expect(page).toContain(`| \`${id}\` |`)
  })
})

test('pnpm check finds all generated files fresh', () => {
  const child = spawnSync(process.execPath, [`${root}tooling/scripts/generate.mjs`, '--check'], { encoding: 'utf8' })
  expect(child.stderr).toBe('')
  expect(child.status).toBe(0)
})

test('every section is read by its name', () => {
  expect(Object.keys(loadConfig({ env: {}, sections }))).toEqual(Object.keys(sections))
})
