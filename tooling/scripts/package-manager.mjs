import { readFileSync } from 'node:fs'
import { root } from './root.mjs'
import { run } from './run.mjs'

/** The version of pnpm that this repository pins. */
export const pnpmVersion = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).packageManager.replace(/^pnpm@/, '')

/** Nothing may ask a question or answer from another version than the pinned one. */
const env = { COREPACK_ENABLE_DOWNLOAD_PROMPT: '0', CI: 'true' }

let found

/**
 * How to call pnpm: the one on the PATH when it is of the pinned version, else through npm, which every Node brings.
 * Corepack is not asked: the one in Node 20 rejects the registry's present signatures.
 * @returns {Promise<{ file: string, args: readonly string[], how: string }>}
 */
export async function findPnpm() {
  if (found) return found
  const { code, output } = await run('pnpm', ['--version'], { quiet: true, env })
  found =
    code === 0 && output.trim().split('\n').at(-1) === pnpmVersion
      ? { file: 'pnpm', args: [], how: `pnpm ${pnpmVersion}` }
      : { file: 'npm', args: ['exec', '--yes', '--', `pnpm@${pnpmVersion}`], how: `pnpm ${pnpmVersion} through npm` }
  return found
}

/**
 * Runs pnpm with `args`.
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export async function runPnpm(args, options = {}) {
  const pnpm = await findPnpm()
  return run(pnpm.file, [...pnpm.args, ...args], { ...options, env: { ...env, ...options.env } })
}
