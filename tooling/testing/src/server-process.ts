import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from './server.js'
import { assertPid, disownProcess, ownProcess } from './watchdog.js'

/** What a server process is and how to tell that it serves. */
export interface ServerCommand {
  /** Names the server in errors. */
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Resolves true once it serves; false or an error is "not yet". */
  readonly isReady: () => Promise<boolean>
  /** How long it may take to serve, in milliseconds. Default: 10 s. */
  readonly startTimeout?: number
}

/** The address was taken between the moment it was found free and the moment it was to be used. */
class AddressInUseError extends Error {
  override readonly name = 'AddressInUseError'
}

/** One child process that serves: started, ended, killed, frozen, started again. */
export class ServerProcess {
  readonly #command: ServerCommand
  #child: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()
  #output = ''

  constructor(command: ServerCommand) {
    this.#command = command
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error(`${this.#command.name} is down.`)
    return pid
  }

  get isUp(): boolean {
    return this.#child !== undefined
  }

  /** The last that the process wrote, for errors. */
  get output(): string {
    return this.#output
  }

  async start(): Promise<void> {
    if (this.#child) return
    this.#launch()
    const { name, isReady, startTimeout = 10_000 } = this.#command
    const deadline = performance.now() + startTimeout
    while (performance.now() < deadline) {
      if (!this.#child) throw this.#startError(`${name} ended while it started.`)
      if (await isReady().catch(() => false)) return
      await sleep(10)
    }
    await this.kill()
    throw this.#startError(`${name} did not serve within ${startTimeout} ms.`)
  }

  async stop(graceMs = 15_000): Promise<void> {
    if (!this.#child) return
    this.signal('SIGCONT')
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs)
    await this.#ended
    clearTimeout(timer)
  }

  async kill(): Promise<void> {
    // a running server keeps nobody alive, but waiting for its end does
    this.#child?.ref()
    this.signal('SIGKILL')
    await this.#ended
  }

  async freeze(): Promise<void> {
    assertPid(this.pid)
    this.signal('SIGSTOP')
    for (let attempt = 0; attempt < 100 && !isHalted(this.pid); attempt++) await sleep(5)
  }

  async thaw(): Promise<void> {
    assertPid(this.pid)
    this.signal('SIGCONT')
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#child) return
    assertPid(this.#child.pid)
    this.#child.kill(signal)
  }

  #launch(): void {
    const { file, args, env } = this.#command
    const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-4_000)
    }
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', keep)
      if ('unref' in stream && typeof stream.unref === 'function') stream.unref()
    }
    child.unref()
    this.#output = ''
    this.#child = child
    if (child.pid !== undefined) ownProcess(child.pid)
    this.#ended = new Promise((resolve) => {
      const ended = (error?: unknown): void => {
        if (error instanceof Error) this.#output += error.message
        if (child.pid !== undefined) disownProcess(child.pid)
        if (this.#child === child) this.#child = undefined
        resolve()
      }
      child.once('error', ended)
      child.once('exit', () => ended())
    })
  }

  #startError(message: string): Error {
    const text = `${message}\n${this.#output}`
    return /address already in use|eaddrinuse|failed to listen|port \d+ in use/i.test(this.#output)
      ? new AddressInUseError(text)
      : new Error(text)
  }
}

/** True once the system has halted the process: SIGSTOP is not instant. Where there is no /proc it is taken to be. */
function isHalted(pid: number): boolean {
  try {
    return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return true
  }
}

/** Starts on a port of its choice; chooses again when another took it in between. */
export async function onFreePort<Result>(
  choose: () => Promise<number>,
  start: (port: number) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await choose())
    } catch (error) {
      if (!(error instanceof AddressInUseError) || attempt === 5) throw error
    }
  }
}

/** What makes a running process a {@link Server}. */
export interface ServerParts {
  readonly url: string
  readonly port: number
  readonly process: Pick<ServerProcess, 'pid' | 'start' | 'stop' | 'kill' | 'freeze' | 'thaw'>
  /** Removes what is left once it is closed. */
  readonly remove?: () => void | Promise<void>
}

/** Starts the process and gives its handle; closes it again when it does not start. */
export async function openServer({ url, port, process: server, remove }: ServerParts): Promise<Server> {
  const close = async (): Promise<void> => {
    await server.kill()
    await remove?.()
  }
  try {
    await server.start()
  } catch (error) {
    await close()
    throw error
  }
  return {
    url,
    host: '127.0.0.1',
    port,
    get pid() {
      return server.pid
    },
    stop: () => server.stop(),
    kill: () => server.kill(),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    restart: async () => {
      await server.stop()
      await server.start()
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
