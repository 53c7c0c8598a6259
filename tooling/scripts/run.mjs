import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { root } from './root.mjs'

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * @typedef {object} RunResult
 * @property {number} code 0 when it went well; 1 also when it could not be started.
 * @property {string} output What it wrote, when `quiet`.
 * @property {number} ms
 */

/**
 * Runs a program in the root of the repository and waits for its end.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean, env?: Record<string, string>, cwd?: string }} [options] `quiet` keeps its output instead of showing it.
 * @returns {Promise<RunResult>}
 */
export function run(file, args, { quiet = false, env = {}, cwd = root } = {}) {
  const start = performance.now()
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  const passOn = (signal) => {
    child.kill(signal)
    // What was asked to end has ended when its child has.
    child.once('close', () => process.exit(128 + constants.signals[signal]))
  }
  for (const signal of endingSignals) process.on(signal, passOn)
  return new Promise((resolve) => {
    const end = (code) => {
      for (const signal of endingSignals) process.off(signal, passOn)
      resolve({ code, output, ms: performance.now() - start })
    }
    child.once('error', (error) => {
      output += error.message
      end(1)
    })
    child.once('close', (code) => end(code ?? 1))
  })
}

/**
 * Runs the program of an installed package, such as `vitest`.
 * @param {string} name
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runInstalled(name, args, options) {
  return run(`${root}/node_modules/.bin/${name}`, args, options)
}
