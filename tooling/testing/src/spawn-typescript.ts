import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { closeWithFile } from './file-scope.js'
import { assertPid, disownProcess, ownProcess } from './watchdog.js'

/** How a child process is started. */
export interface SpawnTypescriptOptions {
  /** Variables set over those of this process; `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Further arguments for Node itself, such as `--expose-gc`. */
  readonly nodeArgs?: readonly string[]
  /** How long {@link TypescriptChild.receive} waits for a message, in milliseconds. Default: 15 s. */
  readonly receiveTimeout?: number
}

/** How a child process ended. */
export interface ChildEnd {
  /** Its exit code; `null` when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * A TypeScript file running in a process of its own.
 *
 * The two talk in lines of JSON: each line of the child's standard output that is JSON is a message, and so is each
 * line that it reads from its standard input. The other lines are its {@link output}.
 */
export interface TypescriptChild extends AsyncDisposable {
  readonly pid: number
  /** What it wrote that is no message: plain output and standard error. */
  readonly output: string
  /** Resolves when it has ended, however. */
  readonly ended: Promise<ChildEnd>
  send(message: unknown): void
  /** The next message for which `accepts` is true, waiting for it; those before it are dropped. Throws when the child ends or is silent. */
  receive<Message = unknown>(accepts?: (message: Message) => boolean): Promise<Message>
  /** Signals it; does nothing once it has ended. */
  signal(signal: NodeJS.Signals): void
  /** Kills it and waits until it has ended. */
  close(): Promise<ChildEnd>
}

/** Runs TypeScript file `file` (a path or file URL) in a process of its own, against the sources of this house. It is killed when the test file is over. */
export function spawnTypescript(
  file: string | URL,
  args: readonly string[] = [],
  options: SpawnTypescriptOptions = {},
): TypescriptChild {
  const child = new Child(file, args, options)
  closeWithFile(() => child.close())
  return child
}

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

function pathOf(file: string | URL): string {
  return file instanceof URL || file.startsWith('file:') ? fileURLToPath(file) : file
}

class Child implements TypescriptChild {
  readonly pid: number
  readonly ended: Promise<ChildEnd>
  readonly #process
  readonly #receiveTimeout: number
  readonly #messages: unknown[] = []
  #output = ''
  #isOver = false
  #wake: (() => void) | undefined

  constructor(file: string | URL, args: readonly string[], options: SpawnTypescriptOptions) {
    const { env = {}, cwd, nodeArgs = [], receiveTimeout = 15_000 } = options
    const node = ['--import', tsx, '--conditions=@plinth/source', ...nodeArgs]
    const spawned = spawn(process.execPath, [...node, pathOf(file), ...args], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    })
    assertPid(spawned.pid)
    this.pid = spawned.pid
    this.#process = spawned
    this.#receiveTimeout = receiveTimeout
    ownProcess(this.pid)
    spawned.stdin.on('error', () => {})
    spawned.stderr.on('data', (chunk: Buffer) => this.#keep(chunk.toString()))
    createInterface({ input: spawned.stdout }).on('line', (line) => this.#take(line))
    this.ended = new Promise((resolve) => {
      spawned.once('close', (code, signal) => {
        disownProcess(this.pid)
        this.#isOver = true
        this.#wake?.()
        resolve({ code, signal })
      })
    })
  }

  get output(): string {
    return this.#output
  }

  send(message: unknown): void {
    this.#process.stdin.write(`${JSON.stringify(message)}\n`)
  }

  async receive<Message = unknown>(accepts: (message: Message) => boolean = () => true): Promise<Message> {
    const deadline = performance.now() + this.#receiveTimeout
    for (;;) {
      while (this.#messages.length > 0) {
        const message = this.#messages.shift() as Message
        if (accepts(message)) return message
      }
      if (this.#isOver) throw new Error(`The child process ended.\n${this.#output}`)
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`The child process sent no such message.\n${this.#output}`)
      await this.#news(left)
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#isOver) this.#process.kill(signal)
  }

  close(): Promise<ChildEnd> {
    this.signal('SIGKILL')
    return this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #news(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #take(line: string): void {
    try {
      this.#messages.push(JSON.parse(line))
      this.#wake?.()
    } catch {
      this.#keep(`${line}\n`)
    }
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-20_000)
  }
}
