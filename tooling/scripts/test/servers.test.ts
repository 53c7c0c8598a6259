import { expect, test } from 'vitest'

interface Machine {
  has: (program: string) => boolean
  hasDocker: () => Promise<boolean>
  isDebianRoot: () => boolean
  install: (packages: readonly string[]) => Promise<{ code: number; output: string }>
}

const {
  ensureServers,
}: {
  ensureServers: (machine: Machine, say: (line: string) => void) => Promise<{ way: string; reason?: string }>
} = await import(new URL('../servers.mjs', import.meta.url).href)

/** A machine with nothing on it, not Debian, that remembers what was installed and said. */
function bareMachine(differences: Partial<Machine> = {}): { machine: Machine; installed: string[]; said: string[] } {
  const installed: string[] = []
  const machine: Machine = {
    has: () => false,
    hasDocker: async () => false,
    isDebianRoot: () => false,
    install: async (packages) => {
      installed.push(...packages)
      return { code: 0, output: '' }
    },
    ...differences,
  }
  return { machine, installed, said: [] }
}

test('installed programs are used, and neither Docker nor apt is asked', async () => {
  const neverAsked = (): never => {
    throw new Error('asked')
  }
  const { machine } = bareMachine({ has: () => true, hasDocker: neverAsked, install: neverAsked })
  expect(await ensureServers(machine, neverAsked)).toEqual({ way: 'programs' })
})

test('without the programs a Docker engine is used, and nothing is installed', async () => {
  const { machine, installed, said } = bareMachine({ hasDocker: async () => true, isDebianRoot: () => true })
  expect(await ensureServers(machine, (line) => said.push(line))).toEqual({ way: 'docker' })
  expect(installed).toEqual([])
  expect(said).toHaveLength(1)
})

test('without Docker, root on Debian installs what is missing and only that', async () => {
  const { machine, installed, said } = bareMachine({ isDebianRoot: () => true, has: (name) => name === 'memcached' })
  expect(await ensureServers(machine, (line) => said.push(line))).toEqual({ way: 'programs' })
  expect(installed).toEqual(['redis-server', 'rabbitmq-server', 'postgresql', 'chromium', 'openssl', 'procps'])
  expect(said).toHaveLength(1)
})

test('a failed installation stops with what apt said', async () => {
  const install = async (): Promise<{ code: number; output: string }> => ({ code: 100, output: 'no network' })
  const { machine } = bareMachine({ isDebianRoot: () => true, install })
  expect(await ensureServers(machine, () => {})).toEqual({ way: 'stop', reason: 'apt-get failed:\nno network' })
})

test('elsewhere it stops with the exact command to run', async () => {
  const { machine, installed } = bareMachine({ has: (name) => !['redis-server', 'chromium'].includes(name) })
  const { way, reason } = await ensureServers(machine, () => {})
  expect(way).toBe('stop')
  expect(reason).toContain(
    "sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends redis-server chromium'",
  )
  expect(installed).toEqual([])
})
