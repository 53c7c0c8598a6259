import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const packages = new URL('../../', import.meta.url)
/** What is given to an error as its code: the first argument of a class of the house, or the option `code`. */
const THROWN = /(?:super|new [A-Z]\w*Error)\(\s*'([A-Z][A-Z\d_]{5,})'|\bcode(?: \?\?|:) '([A-Z][A-Z\d_]{5,})'/g
/** Codes of Node and the system, which the house passes on or imitates. */
const FOREIGN = /^(E[A-Z]+|ERR_|UND_)/

function codesThrown(name: string): Set<string> {
  const source = new URL(`${name}/src/`, packages)
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && file !== 'error-codes.ts',
  )
  const codes = files.flatMap((file) =>
    [...readFileSync(new URL(file, source), 'utf8').matchAll(THROWN)].map((match) => match[1] ?? match[2] ?? ''),
  )
  return new Set(codes.filter((code) => !FOREIGN.test(code) || code.startsWith('EMAIL_')))
}

const withTable = readdirSync(packages).filter((name) => existsSync(new URL(`${name}/src/error-codes.ts`, packages)))

describe('every error code that is thrown is in its package’s table, and so in docs/errors.md', () => {
  test.each(withTable)('@plinth/%s', async (name) => {
    const { errorCodes } = (await import(new URL(`${name}/src/error-codes.ts`, packages).href)) as {
      readonly errorCodes: readonly { readonly code: string }[]
    }
    const listed = errorCodes.map(({ code }) => code)
    expect(new Set(listed).size).toBe(listed.length)
    expect([...codesThrown(name)].filter((code) => !listed.includes(code))).toEqual([])
  })

  test('the table of this package lists nothing that is not thrown', async () => {
    const { errorCodes } = await import('../src/error-codes.js')
    expect(errorCodes.map(({ code }) => code).toSorted()).toEqual([...codesThrown('core')].toSorted())
  })
})
