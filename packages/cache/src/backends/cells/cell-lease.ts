import type { Address, Lease, NewEntry } from '../../cache-backend.js'
import { CacheValueError } from '../../cache-errors.js'
import { newToken } from '../../new-token.js'
import { entryFrame, Frame, leaseFrame, physicalMs, withLease } from '../frame.js'
import type { Cell, Cells } from './cells.js'
import { holds, type Look } from './look.js'
import { pause, replace } from './replace.js'

const TRIES = 20

/** Takes the lease on what was seen; `undefined` when somebody else wrote since. */
export async function takeLease(
  cells: Cells,
  address: Address,
  seen: Look,
  leaseMs: number,
): Promise<Lease | undefined> {
  const { key, guards } = address
  const { cell, frame, usable, time, missing } = seen
  const now = cells.now()
  const lease = { token: newToken(), until: now + leaseMs }
  const entry = usable ? frame : undefined
  const bytes = entry === undefined ? leaseFrame(guards, time, lease) : withLease(entry, lease)
  const ttlMs = entry === undefined ? leaseMs : Math.max(entry.keepMs(now), leaseMs)
  // The stamps first: whoever sees the lease can find them, or it would look like that of a computation that was voided.
  if (missing.length > 0) await cells.addStamps(missing, time)
  const taken = await replace(cells, key, cell, { bytes, ttlMs })
  return taken ? new CellLease(cells, address, time, lease.token) : undefined
}

/** A lease that stands in the cell of its entry, so that whatever replaces or removes the cell ends it. */
class CellLease implements Lease {
  readonly #cells: Cells
  readonly #address: Address
  /** The store's time when the computation began. */
  readonly #begun: string
  readonly #token: string

  constructor(cells: Cells, address: Address, begun: string, token: string) {
    this.#cells = cells
    this.#address = address
    this.#begun = begun
    this.#token = token
  }

  async fill(entry: NewEntry): Promise<boolean> {
    const { key, guards } = this.#address
    const extra = [...new Set(entry.extraGuards ?? [])].filter((guard) => !guards.includes(guard))
    for (let round = 0; round < TRIES; round++) {
      const [held, sure] = await Promise.all([this.#held(), this.#sure(extra)])
      if (held === undefined) return false
      if (!sure) {
        await this.#giveBack(held)
        return false
      }
      const bytes = entryFrame(entry, [...guards, ...extra], this.#begun, this.#cells.now())
      const ttlMs = physicalMs(entry)
      await this.#cells.keepStamps([...guards, ...extra], ttlMs)
      if (await this.#store(held, bytes, ttlMs)) {
        this.#cells.tell(key)
        return true
      }
      await pause(round)
    }
    return false
  }

  async renew(leaseMs: number): Promise<boolean> {
    const { key, guards } = this.#address
    for (let round = 0; round < TRIES; round++) {
      const [held, { values }] = await Promise.all([this.#held(), this.#cells.stamps(guards, false)])
      if (held === undefined || !values.every((stamp) => holds(stamp, this.#begun))) return false
      const now = this.#cells.now()
      const bytes = withLease(held.frame, { token: this.#token, until: now + leaseMs })
      const ttlMs = held.frame.isEntry ? Math.max(held.frame.keepMs(now), leaseMs) : leaseMs
      if (await this.#cells.swap(key, held.cell.version, bytes, ttlMs)) return true
      await pause(round)
    }
    return false
  }

  async release(): Promise<boolean> {
    const [held, { values }] = await Promise.all([this.#held(), this.#cells.stamps(this.#address.guards, false)])
    if (held === undefined) return false
    await this.#giveBack(held)
    return values.every((stamp) => holds(stamp, this.#begun))
  }

  /** The cell, if the lease still stands in it. */
  async #held(): Promise<{ readonly cell: Cell; readonly frame: Frame } | undefined> {
    const cell = await this.#cells.get(this.#address.key)
    const frame = cell && Frame.parse(cell.bytes)
    return cell !== undefined && frame?.token === this.#token ? { cell, frame } : undefined
  }

  /** Whether no guard changed since the computation began, those found out by it included. */
  async #sure(extra: readonly string[]): Promise<boolean> {
    const { guards } = this.#address
    const { values, time } = await this.#cells.stamps([...guards, ...extra], true)
    const missing = extra.filter((_, index) => values[guards.length + index] === undefined)
    const known = values.filter((stamp, index) => index < guards.length || stamp !== undefined)
    if (!known.every((stamp) => holds(stamp, this.#begun))) return false
    if (missing.length === 0) return true
    const maybe = await this.#cells.mayBeStamped(missing, this.#begun)
    // From now on their changes are seen, so that the next computation can be sure.
    await this.#cells.addStamps(missing, maybe ? time : this.#begun)
    return !maybe
  }

  async #store(held: { readonly cell: Cell }, bytes: Buffer, ttlMs: number): Promise<boolean> {
    try {
      return await this.#cells.swap(this.#address.key, held.cell.version, bytes, ttlMs)
    } catch (error) {
      if (error instanceof CacheValueError) await this.release()
      throw error
    }
  }

  async #giveBack({ cell, frame }: { readonly cell: Cell; readonly frame: Frame }): Promise<void> {
    const { key } = this.#address
    const now = this.#cells.now()
    if (frame.isEntry) await this.#cells.swap(key, cell.version, withLease(frame, undefined), frame.keepMs(now))
    else await this.#cells.drop(key, cell.version)
    this.#cells.tell(key)
  }
}
