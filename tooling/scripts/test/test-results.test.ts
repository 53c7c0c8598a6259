import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

interface TestResults {
  readTotals(file: string): { passed: number; failed: number }
  readLongest(file: string, count: number): string[]
}

const { readTotals, readLongest }: TestResults = await import(new URL('../test-results.mjs', import.meta.url).href)

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

test('the files that took longest are listed with what they counted, longest first', () => {
  const folder = mkdtempSync(join(tmpdir(), 'results-'))
  const file = join(folder, 'results.json')
  const root = new URL('../../../', import.meta.url).pathname
  const passed = { status: 'passed' }
  const testResults = [
    { name: `${root}a.test.ts`, startTime: 0, endTime: 900, assertionResults: [passed] },
    { name: `${root}b.test.ts`, startTime: 0, endTime: 44_500, assertionResults: [passed, { status: 'failed' }] },
    { name: `${root}c.test.ts`, startTime: 0, endTime: 1_500, assertionResults: [passed, passed] },
  ]
  writeFileSync(file, JSON.stringify({ numPassedTests: 4, numFailedTests: 1, testResults }))
  expect(readLongest(file, 2)).toEqual(['   44.5 s  1 passed, 1 FAILED  b.test.ts', '    1.5 s  2 passed  c.test.ts'])
  rmSync(folder, { recursive: true })
})
