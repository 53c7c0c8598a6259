import {
  type Address,
  type CacheStore,
  type Claim,
  type ClaimRequest,
  COUNT_FORMAT,
  type EntryPart,
  type Inspection,
  type KeyMatcher,
  type Lifetime,
  type NewEntry,
  type StoredEntry,
  type SweepOptions,
  type WriteCondition,
} from '../../cache-backend.js'
import { CacheValueError } from '../../cache-errors.js'
import { entryFrame, entryIn, type Frame, holdsEntry, physicalMs, withLifetime, withTimesOf } from '../frame.js'
import { inspectFrame } from '../inspect-frame.js'
import { takeLease } from './cell-lease.js'
import type { Cells } from './cells.js'
import { type Look, look } from './look.js'
import { pause, replace } from './replace.js'
import { SameTurn } from './same-turn.js'

/** How often a step is tried again because somebody else was faster. */
const TRIES = 60

/** One namespace on servers that compare and replace single cells: Redis Cluster, where keys of one step lie on different nodes, and Memcached. */
export class CellStore implements CacheStore {
  readonly holds = 'bytes' as const
  readonly sweep?: NonNullable<CacheStore['sweep']>
  readonly #cells: Cells
  readonly #claims = new SameTurn<Claim>()

  constructor(cells: Cells) {
    this.#cells = cells
    const { list } = cells
    if (list !== undefined) this.sweep = (matcher, options) => this.#sweep(list.bind(cells), matcher, options)
  }

  async read(address: Address, part: EntryPart = 'all'): Promise<StoredEntry | undefined> {
    const { usable, cell } = await look(this.#cells, address, false)
    return usable && cell !== undefined ? entryIn(cell.bytes, this.#cells.now(), part) : undefined
  }

  /** Of those who claim a key at the same moment one can win at most: for the others it is enough to know what that one found. */
  async claim(address: Address, request: ClaimRequest): Promise<Claim> {
    if (request.mode === 'steal') return this.#claim(address, request)
    const what = `${request.mode} ${request.leaseMs} ${address.guards.join('\n')} ${address.key}`
    const { answer, isFirst } = this.#claims.ask(what, () => this.#claim(address, request))
    const claim = await answer
    return isFirst ? claim : { entry: claim.entry, lease: undefined }
  }

  async #claim(address: Address, request: ClaimRequest): Promise<Claim> {
    for (let round = 0; round < TRIES; round++) {
      const seen = await this.#lookAtLease(address)
      const now = this.#cells.now()
      const { usable, frame, cell } = seen
      const entry = usable && cell !== undefined ? entryIn(cell.bytes, now) : undefined
      if (request.mode === 'need' && frame?.fresh(now) && usable) return { entry, lease: undefined }
      if (request.mode !== 'steal' && seen.valid && frame?.leased(now)) return { entry, lease: undefined }
      const lease = await takeLease(this.#cells, address, seen, request.leaseMs)
      if (lease !== undefined) return { entry, lease }
      await pause(round)
    }
    return { entry: undefined, lease: undefined }
  }

  /** Cell and stamps are read side by side: stamps may have been read before they were made, and the cell after its lease was taken. */
  async #lookAtLease(address: Address): Promise<Look> {
    const seen = await look(this.#cells, address, true)
    const isOdd = !seen.valid && seen.frame?.leased(this.#cells.now()) === true
    return isOdd ? look(this.#cells, address, true) : seen
  }

  settled(key: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return this.#cells.wait(key, timeoutMs, signal)
  }

  async write(address: Address, entry: NewEntry, condition?: WriteCondition): Promise<boolean> {
    const { key, guards } = address
    for (let round = 0; round < TRIES; round++) {
      const { usable, time, missing, cell } = await look(this.#cells, address, true)
      if (condition !== undefined && usable !== (condition === 'present')) return false
      await this.#cells.addStamps(missing, time)
      const bytes = entryFrame(entry, guards, time, this.#cells.now())
      const ttlMs = physicalMs(entry)
      if (condition === undefined) await this.#cells.set(key, bytes, ttlMs)
      else if (!(await replace(this.#cells, key, cell, { bytes, ttlMs }))) {
        await pause(round)
        continue
      }
      await this.#cells.keepStamps(guards, ttlMs)
      this.#cells.tell(key)
      return true
    }
    return false
  }

  async touch(address: Address, lifetime: Lifetime): Promise<boolean> {
    for (let round = 0; round < TRIES; round++) {
      const { usable, frame, cell } = await look(this.#cells, address, false)
      if (!usable || frame === undefined || cell === undefined) return false
      const bytes = withLifetime(frame, lifetime, this.#cells.now())
      await this.#cells.keepStamps(frame.guards, physicalMs(lifetime))
      if (await this.#cells.swap(address.key, cell.version, bytes, physicalMs(lifetime))) return true
      await pause(round)
    }
    return false
  }

  async remove(keys: readonly string[]): Promise<number> {
    const removed = await Promise.all(keys.map((key) => this.#cells.remove(key)))
    for (const [index, bytes] of removed.entries()) if (bytes !== undefined) this.#cells.tell(keys[index] as string)
    return removed.filter((bytes) => bytes !== undefined && holdsEntry(bytes)).length
  }

  async take(address: Address): Promise<StoredEntry | undefined> {
    for (let round = 0; round < TRIES; round++) {
      const { cell, usable } = await look(this.#cells, address, false)
      if (cell === undefined) return undefined
      if (await this.#cells.drop(address.key, cell.version)) {
        this.#cells.tell(address.key)
        return usable ? entryIn(cell.bytes, this.#cells.now()) : undefined
      }
      await pause(round)
    }
    return undefined
  }

  async increment(address: Address, by: number, lifetime: Lifetime): Promise<number> {
    const { key, guards } = address
    for (let round = 0; round < TRIES * 4; round++) {
      const { usable, frame, cell, time, missing } = await look(this.#cells, address, true)
      const now = this.#cells.now()
      const there = usable ? frame : undefined
      const sum = there === undefined ? by : add(there, by)
      const count = { ...lifetime, body: Buffer.from(String(sum)), size: 8, format: COUNT_FORMAT, costMs: 0, peekMs: 0 }
      if (there === undefined) await this.#cells.addStamps(missing, time)
      const fresh = entryFrame(count, there?.guards ?? guards, there?.begun ?? time, now)
      const bytes = there === undefined ? fresh : withTimesOf(fresh, there)
      const ttlMs = there === undefined ? physicalMs(lifetime) : there.keepMs(now)
      if (await replace(this.#cells, key, cell, { bytes, ttlMs })) {
        if (there === undefined) await this.#cells.keepStamps(guards, ttlMs)
        this.#cells.tell(key)
        return sum
      }
      await pause(round)
    }
    throw new CacheValueError('Too many others count here at the same time.')
  }

  async stamp(guards: readonly string[]): Promise<void> {
    // First the time, then the stamps: what begins in between has seen what the caller changed.
    await this.#cells.raise(guards, await this.#cells.tick(guards))
  }

  async inspect({ key }: Address): Promise<Inspection> {
    const cell = await this.#cells.get(key)
    return inspectFrame(
      cell?.bytes,
      this.#cells.now(),
      async (guards) => (await this.#cells.stamps(guards, false)).values,
    )
  }

  verify(): Promise<boolean> {
    return this.#cells.verify()
  }

  async #sweep(
    list: NonNullable<Cells['list']>,
    matcher: KeyMatcher,
    { signal, dryRun, onProgress }: SweepOptions,
  ): Promise<number> {
    let removed = 0
    for await (const keys of list(matcher.beginsWith, signal)) {
      const matching = keys.filter((key) => matcher.matches(key))
      removed += dryRun ? await this.#count(matching) : await this.remove(matching)
      onProgress?.(removed)
    }
    return removed
  }

  async #count(keys: readonly string[]): Promise<number> {
    const cells = await Promise.all(keys.map((key) => this.#cells.get(key)))
    return cells.filter((cell) => cell !== undefined && holdsEntry(cell.bytes)).length
  }
}

function add(count: Frame, by: number): number {
  const text = count.body.toString('latin1')
  const sum = count.format === COUNT_FORMAT && /^-?\d{1,16}$/.test(text) ? Number(text) + by : Number.NaN
  if (Number.isSafeInteger(sum)) return sum
  throw new CacheValueError('Only a whole number can be incremented, and only up to 2^53 - 1.')
}
