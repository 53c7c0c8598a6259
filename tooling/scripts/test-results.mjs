import { readFileSync } from 'node:fs'
import { join } from 'node:path'
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
