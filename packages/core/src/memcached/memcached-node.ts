import type { CallOptions } from '../availability.js'
import { fullJitter } from '../backoff.js'
import type { BreakerOptions } from '../breaker.js'
import type { Clock } from '../clock.js'
import { withDeadline } from '../deadline.js'
import { Gate } from '../gate.js'
import { BackendUnavailableError, MisconfiguredError } from '../infra-error.js'
import { type ErrorSubject, toInfraError } from '../to-infra-error.js'
import { MemcachedStatusError } from './memcached-errors.js'
import { MemcachedLink, type MemcachedServer, verifyMemcached } from './memcached-link.js'
import { Opcode } from './memcached-wire.js'

/** How a {@link MemcachedNode} is made, and whom it tells. Times in milliseconds. */
export interface MemcachedNodeOptions {
  readonly server: MemcachedServer
  /** For messages: `Memcached at 127.0.0.1:11211`. */
  readonly label: string
  readonly deadlineMs: number
  readonly connectTimeoutMs: number
  readonly breaker?: BreakerOptions
  readonly clock: Clock
  /** The variables that the settings came from. */
  readonly variables: Readonly<Partial<Record<string, string>>>
  readonly onChange: () => void
}

const MISTAKE_RETRY_MS = 30_000
const DEFAULT_ITEM_SIZE = 1024 * 1024
const reconnectDelay = fullJitter({ baseMs: 50, capMs: 700 })

/** One server, kept connected for ever, behind a gate of its own. */
export class MemcachedNode {
  readonly label: string
  readonly #options: MemcachedNodeOptions
  readonly #gate: Gate
  readonly #subject: ErrorSubject
  #link: MemcachedLink | undefined
  #attempts = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #itemSize = DEFAULT_ITEM_SIZE

  constructor(options: MemcachedNodeOptions) {
    const { label, server, deadlineMs, connectTimeoutMs, clock, breaker, onChange } = options
    this.label = label
    this.#options = options
    this.#subject = {
      label,
      source: 'memcached',
      secrets: server.password === undefined ? [] : [server.password],
      variables: { ...options.variables },
    }
    this.#gate = new Gate({
      ...this.#subject,
      deadlineMs,
      probeDeadlineMs: connectTimeoutMs,
      probe: () => verifyMemcached(this.#current()),
      onDead: () => this.#link?.destroy(this.#silent('a probe')),
      onChange,
      clock,
      ...(breaker === undefined ? {} : { breaker }),
    })
    void this.#connect()
  }

  get available(): boolean {
    return this.#gate.available
  }

  /** Why it is not available, once something is known. */
  get error(): Error | undefined {
    return this.#gate.error
  }

  /** The largest item that the server stores, key and bookkeeping included. */
  get itemSize(): number {
    return this.#itemSize
  }

  /** Runs `call` through the gate. */
  run<Result>(call: (link: MemcachedLink) => Promise<Result>, options?: CallOptions): Promise<Result> {
    return this.#gate.run(() => call(this.#current()), options)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#gate.close()
    this.#link?.destroy(new BackendUnavailableError(`${this.label} was closed.`, { reason: 'closed' }))
  }

  async #connect(): Promise<void> {
    const { server, connectTimeoutMs } = this.#options
    let link: MemcachedLink | undefined
    try {
      link = await MemcachedLink.connect(server, {
        timeoutMs: connectTimeoutMs,
        onDead: (error) => this.#lose(link, error),
      })
      await withDeadline(this.#learn(link), {
        deadlineMs: connectTimeoutMs,
        onDeadline: () => this.#silent('its version'),
      })
    } catch (error) {
      link?.destroy(error)
      this.#retry(error)
      return
    }
    if (this.#closed) return link.destroy(new Error('closed'))
    this.#link = link
    this.#attempts = 0
    this.#gate.setConnected(true)
  }

  async #learn(link: MemcachedLink): Promise<void> {
    await verifyMemcached(link)
    // hosted servers may hide their settings
    const settings = await link.gather({ opcode: Opcode.stats, key: 'settings' }).catch(ignoreStatus)
    const size = Number(settings?.item_size_max)
    if (size > 0) this.#itemSize = size
  }

  #lose(link: MemcachedLink | undefined, error: unknown): void {
    if (link === undefined || this.#link !== link) return
    this.#link = undefined
    this.#retry(error)
  }

  #retry(error: unknown): void {
    if (this.#closed) return
    const fault = toInfraError(error, this.#subject)
    this.#gate.setConnected(false, fault)
    this.#attempts += 1
    const delay = fault instanceof MisconfiguredError ? MISTAKE_RETRY_MS : reconnectDelay(this.#attempts)
    this.#timer = setTimeout(() => void this.#connect(), delay).unref()
  }

  #current(): MemcachedLink {
    if (this.#link === undefined) throw this.#gate.unavailable()
    return this.#link
  }

  #silent(what: string): BackendUnavailableError {
    return new BackendUnavailableError(`${this.label} did not answer ${what} in time.`, { reason: 'deadline' })
  }
}

function ignoreStatus(error: unknown): undefined {
  if (!(error instanceof MemcachedStatusError)) throw error
}
