import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const { readTotals }: { readTotals: (file: string) => { passed: number; failed: number } } = await import(
  new URL('../test-results.mjs', import.meta.url).href
)

test('the totals are of tests, and a file that broke before its tests counts as one that failed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'results-'))
  const file = join(folder, 'results.json')
  const testResults = [
    { status: 'passed', assertionResults: [{ status: 'passed' }, { status: 'passed' }] },
    { status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] },
    { status: 'failed', assertionResults: [] },
  ]
  writeFileSync(file, JSON.stringify({ numPassedTests: 3, numFailedTests: 1, testResults }))
  expect(readTotals(file)).toEqual({ passed: 3, failed: 2 })
  rmSync(folder, { recursive: true })
})
