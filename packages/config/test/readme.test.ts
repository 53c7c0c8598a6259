import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as api from '../src/index.js'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? ''

test('the example of the README runs and gives what its comments say', () => {
  const [imports = '', ...lines] = example.split('\n')
  const names =
    /\{(.*)\}/
      .exec(imports)?.[1]
      ?.split(',')
      .map((name) => name.trim()) ?? []
  expect(names.length).toBeGreaterThan(5)
  const body = lines.filter((line) => !line.startsWith('console.log')).join('\n')
  const run = new Function('api', `const { ${names} } = api\n${body}\nreturn { search, config }`)
  const { search, config } = run(api)
  expect(config.search.timeoutMs).toBe(2000)
  expect(config.search.cluster.apiKey.reveal()).toBe('k3y')
  expect(api.explain(config).variables.at(-1)).toMatchObject({ variable: 'SEARCH_API_KEY', shown: '[redacted]' })

  const wrong = { SEARCH_BACKEND: 'clutser', SEARCH_TIMEOUT: 'soon', SEARCH_ENABLD: 'no' }
  const promised =
    /```\n(The configuration has 4 faults:.*?)```/s
      .exec(readme)?.[1]
      ?.split('\n')
      .filter((line) => !line.includes('...')) ?? []
  expect(promised.length).toBeGreaterThan(6)
  try {
    api.loadConfig({ env: wrong, sections: { search } })
    expect.unreachable()
  } catch (error) {
    for (const line of promised) expect(String(error)).toContain(line)
  }
})

test('every field builder has a row', () => {
  for (const name of [
    'text',
    'host',
    'choice',
    'boolean',
    'integer',
    'port',
    'duration',
    'bytes',
    'list',
    'url',
    'secret',
    'custom',
    'field',
  ]) {
    expect(readme).toMatch(new RegExp(`^\\|.*\`${name}\``, 'm'))
  }
})
