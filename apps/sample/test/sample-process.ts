import { spawnTypescript, type TypescriptChild } from '@plinth/testing'

/** Which main a process runs. */
export type Role = 'fastify' | 'express' | 'worker'

/** One process of the sample, as an operator runs it: by its main file and the environment. */
export interface SampleProcess {
  readonly role: Role
  /** Where it listens; a worker listens nowhere. */
  readonly url: string | undefined
  /** Sends SIGTERM and waits for its end. Throws when it did not end by itself with code 0. */
  stop(): Promise<void>
}

const START_MS = 60_000

/** Starts a process and waits until it says that it serves. It is killed when the test file is over. */
export async function startProcess(role: Role, env: Readonly<Record<string, string>>): Promise<SampleProcess> {
  const main = new URL(`../src/main.${role}.ts`, import.meta.url)
  const child = spawnTypescript(main, [], { env: { NODE_ENV: 'test', HOST: '127.0.0.1', PORT: '0', ...env } })
  const url = await announced(child, role)
  return {
    role,
    url,
    async stop() {
      child.signal('SIGTERM')
      const { code, signal } = await child.ended
      if (code !== 0) throw new Error(`The ${role} ended with ${code ?? signal}.\n${child.output}`)
    },
  }
}

async function announced(child: TypescriptChild, role: Role): Promise<string | undefined> {
  const line = role === 'worker' ? /The worker takes tasks()/ : /listens on (http:\S+)/
  let isOver = false
  void child.ended.then(() => {
    isOver = true
  })
  for (const deadline = performance.now() + START_MS; performance.now() < deadline && !isOver; ) {
    const found = line.exec(child.output)
    if (found) return found[1] === '' ? undefined : found[1]
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`The ${role} did not start.\n${child.output}`)
}
