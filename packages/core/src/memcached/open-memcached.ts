import type { AvailabilityChange, CallOptions, Readiness, ReadyOptions } from '../availability.js'
import { AvailabilityFeed } from '../availability-feed.js'
import type { BreakerOptions } from '../breaker.js'
import { type Clock, systemClock } from '../clock.js'
import { describeEndpoint } from '../endpoint.js'
import { BackendUnavailableError } from '../infra-error.js'
import { ClockOffset } from './clock-offset.js'
import type {
  CounterStart,
  MemcachedConnection,
  MemcachedVersion,
  VersionedItem,
  VersionedValue,
} from './memcached-connection.js'
import { MemcachedArgumentError, MemcachedValueTooLargeError } from './memcached-errors.js'
import type { MemcachedLink, WireRequest } from './memcached-link.js'
import { MemcachedNode } from './memcached-node.js'
import { type MemcachedTarget, resolveMemcachedServers } from './memcached-servers.js'
import {
  checkKey,
  counterExtras,
  expiryOf,
  NEVER_CREATE,
  Opcode,
  readCounter,
  Status,
  storeExtras,
  touchExtras,
} from './memcached-wire.js'
import { rendezvous } from './rendezvous.js'

/** Which Memcached, and how patient we are. Times in milliseconds. */
export interface OpenMemcachedOptions extends MemcachedTarget {
  /** Whose connection this is, such as `cache`: for messages. */
  readonly owner?: string
  /** How long a call may take unless it says otherwise. Default 1000. */
  readonly deadlineMs?: number
  /** How long connecting may take, and then the first answer. Default 1200. */
  readonly connectTimeoutMs?: number
  readonly breaker?: BreakerOptions
  readonly clock?: Clock
}

/**
 * Opens a connection to Memcached, such as `openMemcached({ servers: '127.0.0.1:11211' })`.
 *
 * Answers at once and connects in the background for ever; `whenReady` waits for it. Throws a `MisconfiguredError` for a
 * list of servers that cannot be read.
 */
export function openMemcached(options: OpenMemcachedOptions): MemcachedConnection & Readiness {
  return new MemjsConnection(options)
}

/** What the server keeps beside key and value: header, version, terminator, and a chunked item's share. */
const ITEM_OVERHEAD = 512
const CLOCK_PAUSE_MS = 30_000
const CLOCK_RETRY_MS = 1000

type StoreCode = (typeof Opcode)['set' | 'add' | 'replace']

interface StoreItem {
  readonly key: string
  readonly value: Uint8Array | string
  readonly ttlMs: number | undefined
  readonly version?: Buffer
}

class MemjsConnection implements MemcachedConnection, Readiness {
  readonly target: string
  readonly #nodes: readonly MemcachedNode[]
  readonly #indexOf: (key: string) => number
  readonly #feed: AvailabilityFeed
  readonly #offset = new ClockOffset()
  readonly #clock: Clock
  #clockTimer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: OpenMemcachedOptions) {
    const { owner, deadlineMs = 1000, connectTimeoutMs = 1200, breaker, clock = systemClock } = options
    const servers = resolveMemcachedServers(options)
    const names = servers.map(describeEndpoint)
    this.target = names.join(',')
    this.#clock = clock
    this.#feed = new AvailabilityFeed(clock)
    this.#indexOf = rendezvous(names)
    this.#nodes = servers.map(
      (server) =>
        new MemcachedNode({
          server,
          label: `${owner === undefined ? '' : `${owner}: `}Memcached at ${describeEndpoint(server)}`,
          deadlineMs,
          connectTimeoutMs,
          clock,
          variables: { address: options.variables?.servers, ...options.variables },
          onChange: () => this.#refresh(),
          ...(breaker === undefined ? {} : { breaker }),
        }),
    )
    this.#readClockLater(0)
  }

  get available(): boolean {
    return this.#feed.available
  }

  get error(): Error | undefined {
    return this.#feed.error
  }

  get clockOffsetMs(): number {
    return this.#offset.ms
  }

  whenReady(options?: ReadyOptions): Promise<boolean> {
    return this.#feed.whenReady(options)
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    return this.#feed.onChange(listener)
  }

  async get(key: string, options?: CallOptions): Promise<Buffer | undefined> {
    const { header, val } = await this.#nodeOf(key).run(
      (link) => link.send({ opcode: Opcode.get, key }, [Status.ok, Status.notFound]),
      options,
    )
    return header.status === Status.ok ? val : undefined
  }

  async getMany(keys: readonly string[], options?: CallOptions): Promise<readonly (Buffer | undefined)[]> {
    const values = keys.map((): Buffer | undefined => undefined) // no holes: callers map over what is not there, too
    const perNode = new Map<MemcachedNode, number[]>()
    for (const [index, key] of keys.entries()) {
      const node = this.#nodeOf(key)
      const indexes = perNode.get(node)
      if (indexes === undefined) perNode.set(node, [index])
      else indexes.push(index)
    }
    const getFrom = async ([node, indexes]: [MemcachedNode, number[]]): Promise<void> => {
      const get = (link: MemcachedLink) => (index: number) =>
        link.send({ opcode: Opcode.get, key: keys[index] ?? '' }, [Status.ok, Status.notFound])
      const answers = await node.run((link) => Promise.all(indexes.map(get(link))), options)
      for (const [at, index] of indexes.entries()) {
        const answer = answers[at]
        if (answer?.header.status === Status.ok) values[index] = answer.val
      }
    }
    await Promise.all([...perNode].map(getFrom))
    return values
  }

  async set(key: string, value: Uint8Array | string, ttlMs: number | undefined, options?: CallOptions): Promise<void> {
    await this.#store(Opcode.set, { key, value, ttlMs }, options)
  }

  async add(
    key: string,
    value: Uint8Array | string,
    ttlMs: number | undefined,
    options?: CallOptions,
  ): Promise<boolean> {
    return (await this.#store(Opcode.add, { key, value, ttlMs }, options)) === Status.ok
  }

  async replace(
    key: string,
    value: Uint8Array | string,
    ttlMs: number | undefined,
    options?: CallOptions,
  ): Promise<boolean> {
    return (await this.#store(Opcode.replace, { key, value, ttlMs }, options)) === Status.ok
  }

  delete(key: string, options?: CallOptions): Promise<boolean> {
    return this.#remove({ opcode: Opcode.delete, key }, options)
  }

  async getVersioned(key: string, options?: CallOptions): Promise<VersionedValue | undefined> {
    const { header, val } = await this.#nodeOf(key).run(
      (link) => link.send({ opcode: Opcode.get, key }, [Status.ok, Status.notFound]),
      options,
    )
    if (header.status !== Status.ok) return undefined
    return { value: val, version: Buffer.from(header.cas) as MemcachedVersion }
  }

  async replaceVersion(key: string, item: VersionedItem, options?: CallOptions): Promise<boolean> {
    return (await this.#store(Opcode.replace, { key, ...item }, options)) === Status.ok
  }

  deleteVersion(key: string, version: MemcachedVersion, options?: CallOptions): Promise<boolean> {
    return this.#remove({ opcode: Opcode.delete, key, version }, options)
  }

  async touch(key: string, ttlMs: number | undefined, options?: CallOptions): Promise<boolean> {
    const extras = touchExtras(this.#expiry(ttlMs))
    const { header } = await this.#nodeOf(key).run(
      (link) => link.send({ opcode: Opcode.touch, key, extras }, [Status.ok, Status.notFound]),
      options,
    )
    return header.status === Status.ok
  }

  async increment(key: string, by: number, create: CounterStart, options?: CallOptions): Promise<number> {
    const value = await this.#count(key, by, { initial: create.initial, expiry: this.#expiry(create.ttlMs) }, options)
    if (value === undefined) throw new MemcachedArgumentError('The server did not create the counter.')
    return value
  }

  incrementExisting(key: string, by: number, options?: CallOptions): Promise<number | undefined> {
    return this.#count(key, by, { initial: 0, expiry: NEVER_CREATE }, options)
  }

  async stats(options?: CallOptions): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
    const names = this.target.split(',')
    const answers = await Promise.allSettled(
      this.#nodes.map((node) => node.run((link) => link.gather({ opcode: Opcode.stats }), options)),
    )
    const map = new Map<string, Readonly<Record<string, string>>>()
    for (const [index, answer] of answers.entries()) {
      if (answer.status === 'fulfilled') map.set(names[index] ?? '', answer.value)
      else if (answers.length === 1) throw answer.reason
    }
    return map
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#clockTimer)
    this.#feed.close()
    for (const node of this.#nodes) node.close()
  }

  async #remove(request: WireRequest & { readonly key: string }, options: CallOptions | undefined): Promise<boolean> {
    const { header } = await this.#nodeOf(request.key).run(
      (link) => link.send(request, [Status.ok, Status.notFound, Status.exists]),
      options,
    )
    return header.status === Status.ok
  }

  async #store(opcode: StoreCode, item: StoreItem, options: CallOptions | undefined): Promise<number> {
    const { key, ttlMs, version } = item
    const node = this.#nodeOf(key)
    const value = typeof item.value === 'string' ? Buffer.from(item.value) : toBuffer(item.value)
    const limit = node.itemSize - ITEM_OVERHEAD
    if (value.length + key.length > limit) throw new MemcachedValueTooLargeError(value.length, limit)
    const extras = storeExtras(this.#expiry(ttlMs))
    const accept = opcode === Opcode.set ? [Status.ok] : [Status.ok, Status.notFound, Status.exists, Status.notStored]
    const { header } = await node.run((link) => link.send({ opcode, key, extras, value, version }, accept), options)
    return header.status
  }

  async #count(
    key: string,
    by: number,
    start: { readonly initial: number; readonly expiry: number },
    options: CallOptions | undefined,
  ): Promise<number | undefined> {
    const opcode = by < 0 ? Opcode.decrement : Opcode.increment
    const extras = counterExtras(Math.abs(by), start.initial, start.expiry)
    const { header, val } = await this.#nodeOf(key).run(
      (link) => link.send({ opcode, key, extras }, [Status.ok, Status.notFound]),
      options,
    )
    return header.status === Status.ok ? readCounter(val) : undefined
  }

  #expiry(ttlMs: number | undefined): number {
    return expiryOf(ttlMs, this.#clock.now() + this.#offset.ms)
  }

  #nodeOf(key: string): MemcachedNode {
    checkKey(key)
    const node = this.#nodes[this.#indexOf(key)]
    if (node === undefined) throw new BackendUnavailableError('No Memcached server.', { reason: 'closed' })
    return node
  }

  #refresh(): void {
    const up = this.#nodes.some((node) => node.available)
    this.#feed.update(up, up ? undefined : this.#nodes.find((node) => node.error !== undefined)?.error)
  }

  /** Every process asks the same server, the first by name, so that all of them agree. */
  #readClockLater(delayMs: number): void {
    this.#clockTimer = setTimeout(() => void this.#readClock(), delayMs).unref()
  }

  async #readClock(): Promise<void> {
    const names = this.target.split(',')
    const node = this.#nodes[names.indexOf(names.toSorted()[0] ?? '')]
    const askedAt = this.#clock.now()
    const stats = await node?.run((link) => link.gather({ opcode: Opcode.stats })).catch(() => undefined)
    if (this.#closed) return
    const shown = Number(stats?.time) * 1000
    if (shown > 0) this.#offset.add({ askedAt, answeredAt: this.#clock.now(), shown })
    this.#readClockLater(shown > 0 ? CLOCK_PAUSE_MS : CLOCK_RETRY_MS)
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
