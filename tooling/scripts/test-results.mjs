import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from './root.mjs'

/** Where `npm test` leaves what vitest counted. */
export const resultsFile = join(root, 'node_modules', '.plinth', 'test-results.json')

/**
 * How many tests passed and failed. A file that broke before its tests could be counted is one that failed.
 * @param {string} file
 * @returns {{ passed: number, failed: number }}
 */
export function readTotals(file) {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(file, 'utf8'))
  const isBroken = ({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((result) => result.status === 'failed')
  return { passed: numPassedTests, failed: numFailedTests + testResults.filter(isBroken).length }
}

/**
 * The files that took longest, as lines such as `  44.5 s  1 passed  packages/core/test/gate.test.ts`, longest first.
 * @param {string} file
 * @param {number} count
 * @returns {string[]}
 */
export function readLongest(file, count) {
  const { testResults } = JSON.parse(readFileSync(file, 'utf8'))
  return testResults
    .map(({ name, startTime, endTime, assertionResults }) => ({
      path: relative(root, name),
      seconds: (endTime - startTime) / 1000,
      passed: assertionResults.filter(({ status }) => status === 'passed').length,
      failed: assertionResults.filter(({ status }) => status === 'failed').length,
    }))
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, count)
    .map(({ path, seconds, passed, failed }) => {
      const outcome = failed === 0 ? `${passed} passed` : `${passed} passed, ${failed} FAILED`
      return `${seconds.toFixed(1).padStart(7)} s  ${outcome}  ${path}`
    })
}
