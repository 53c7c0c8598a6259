import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './run.mjs'

/** Programs that the tests start, and the Debian packages that bring them. */
const programs = {
  'redis-server': 'redis-server',
  memcached: 'memcached',
  'rabbitmq-server': 'rabbitmq-server',
  postgres: 'postgresql',
  chromium: 'chromium',
  openssl: 'openssl',
  ps: 'procps',
}

const installCommand = (packages) =>
  `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`

/**
 * What is known about a machine, and what can be done to it.
 * @typedef {object} Machine
 * @property {(program: string) => boolean} has
 * @property {() => Promise<boolean>} hasDocker Whether an engine answers and `docker compose` is there.
 * @property {() => boolean} isDebianRoot
 * @property {(packages: readonly string[]) => Promise<{ code: number, output: string }>} install
 */

/**
 * @typedef {{ way: 'programs' } | { way: 'docker' } | { way: 'stop', reason: string }} ServersAnswer
 * `programs`: the tests can run here; `docker`: they can run in a container that has the programs.
 */

/**
 * Makes sure that the tests can start real servers: programs that are installed, else Docker, else Debian's packages.
 * @param {Machine} machine
 * @param {(line: string) => void} say
 * @returns {Promise<ServersAnswer>}
 */
export async function ensureServers(machine, say) {
  const missing = Object.keys(programs).filter((program) => !machine.has(program))
  if (missing.length === 0) return { way: 'programs' }
  if (await machine.hasDocker()) {
    say(`${missing.join(', ')} not installed; the tests run in a container that has them`)
    return { way: 'docker' }
  }
  const packages = missing.map((program) => programs[program])
  if (!machine.isDebianRoot()) return { way: 'stop', reason: adviceFor(missing, packages) }
  say(`installing ${packages.join(', ')} with apt-get`)
  const { code, output } = await machine.install(packages)
  if (code === 0) return { way: 'programs' }
  return { way: 'stop', reason: `apt-get failed:\n${output.trim().split('\n').slice(-10).join('\n')}` }
}

function adviceFor(missing, packages) {
  return [
    `the tests run against real servers, and ${missing.join(', ')} cannot be found. Either install them, on Debian or Ubuntu:`,
    `  sudo sh -c '${installCommand(packages)}'`,
    'or start a Docker engine that has `docker compose`, and run this again.',
  ].join('\n')
}

/** @returns {Machine} The machine that this runs on. */
export function thisMachine() {
  return {
    has: hasProgram,
    hasDocker: async () => {
      const answers = async (...args) => (await run('docker', args, { quiet: true })).code === 0
      return (await answers('compose', 'version')) && (await answers('info'))
    },
    isDebianRoot: () => process.getuid?.() === 0 && existsSync('/etc/debian_version'),
    install: installPackages,
  }
}

/** Debian keeps servers in sbin, which is not on the PATH of every user. */
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin']

/** Debian keeps each version of PostgreSQL in a folder of its own. */
const postgresFolders = () => {
  const versions = '/usr/lib/postgresql'
  return existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin')) : []
}

/** Chromium goes by several names. */
const otherNames = { chromium: ['chromium-browser', 'google-chrome'] }

function hasProgram(program) {
  const names = [program, ...(otherNames[program] ?? [])]
  const searched = program === 'postgres' ? [...folders, ...postgresFolders()] : folders
  return names.some((name) => searched.some((folder) => folder !== '' && isExecutable(join(folder, name))))
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A file that keeps Debian from starting a server because it was installed: RabbitMQ would listen to the world. */
const policyFile = '/usr/sbin/policy-rc.d'

async function installPackages(packages) {
  const ownPolicy = !existsSync(policyFile)
  if (ownPolicy) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return await run('sh', ['-c', installCommand(packages)], {
      quiet: true,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    })
  } finally {
    if (ownPolicy) rmSync(policyFile)
  }
}
