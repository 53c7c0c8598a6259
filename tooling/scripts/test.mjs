// npm test [--long] [FILES]: makes sure that real servers can be started, then runs the tests.
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { checkNode, installDependencies } from './install.mjs'
import { run, runInstalled } from './run.mjs'
import { say, stop } from './say.mjs'
import { ensureServers, thisMachine } from './servers.mjs'
import { readLongest, readTotals, resultsFile } from './test-results.mjs'

const args = process.argv.slice(2).filter((arg) => arg !== '--long')
const isLong = args.length !== process.argv.length - 2

checkNode()
rmSync(resultsFile, { force: true })
const servers = await ensureServers(thisMachine(), say)
if (servers.way === 'stop') stop(servers.reason)
process.exitCode = servers.way === 'docker' ? await testInContainer() : await testHere()

async function testHere() {
  await installDependencies()
  say(isLong ? 'running the tests, the long ones in full' : 'running the tests')
  mkdirSync(dirname(resultsFile), { recursive: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`]
  const { code } = await runInstalled(
    'vitest',
    ['run', ...reporters, ...args],
    isLong ? { env: { PLINTH_LONG: '1' } } : {},
  )
  if (isLong && existsSync(resultsFile)) {
    const { passed, failed } = readTotals(resultsFile)
    console.log(
      ['The longest files:', ...readLongest(resultsFile, 25), `${passed} passed, ${failed} failed`].join('\n'),
    )
  }
  return code
}

/** The container has the servers and a copy of the sources, and runs this same script. */
async function testInContainer() {
  const longArgs = isLong ? ['--long'] : []
  const { code } = await run('docker', ['compose', 'run', '--rm', '--build', 'tests', ...longArgs, ...args])
  return code
}
