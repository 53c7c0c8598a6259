// Prints what the last `npm test` counted, as `N passed, N failed`. A run that counted nothing has failed once.
import { existsSync } from 'node:fs'
import { readTotals, resultsFile } from './test-results.mjs'

const { passed, failed } = existsSync(resultsFile) ? readTotals(resultsFile) : { passed: 0, failed: 1 }
console.log(`${passed} passed, ${failed} failed`)
