import type { SlotLease } from '../cache-slots.js'
import type { FillSession } from './fill-session.js'
import type { CapturedResponse } from './storability.js'

/** What {@link PutSession} is made of. */
export interface PutParts {
  /** Taken before the handler ran; `undefined` when another request writes at the same time, or nothing can be stored. */
  readonly witness: SlotLease | undefined
  readonly keepsBytes: number
  /** Takes the right to fill, from now. */
  readonly fill: () => Promise<FillSession | undefined>
}

/** Whole answers to a change that say what the resource is now. */
const REPRESENTATIONS: ReadonlySet<number> = new Set([200, 201, 203])

/** What belongs to the change, not to the resource. */
const OF_THE_CHANGE = { location: undefined, 'content-location': undefined, 'cache-status': undefined }

/**
 * A request whose handler always runs, and whose answer is what the next `GET` for the same path gets.
 *
 * It is stored only if nobody else changed the resource between the beginning of the request and its own invalidation: of two answers
 * that overlap nobody knows which is the newer. First `confirm`, then the request's own invalidation, then `store`.
 */
export class PutSession {
  /** How many bytes of body to keep. */
  readonly keepsBytes: number
  readonly #parts: PutParts
  #witness: SlotLease | undefined

  constructor(parts: PutParts) {
    this.#parts = parts
    this.#witness = parts.witness
    this.keepsBytes = parts.witness === undefined ? 0 : parts.keepsBytes
  }

  /** Whether the answer may be stored: it is a representation, and nothing was invalidated since the request began. Never rejects. */
  async confirm(status: number): Promise<boolean> {
    const witness = this.#witness
    this.#witness = undefined
    if (witness === undefined) return false
    if (REPRESENTATIONS.has(status)) return witness.fill({ head: NOTHING, body: NOTHING, ttl: 1 })
    await witness.release()
    return false
  }

  /** Stores the answer, as that of a `GET`. Never rejects. */
  async store(response: CapturedResponse): Promise<void> {
    const session = await this.#parts.fill()
    if (session === undefined) return
    const fields = { ...response.fields, ...OF_THE_CHANGE }
    session.finish({ ...response, status: response.status === 201 ? 200 : response.status, fields })
    await session.store(fields)
  }

  /** There will be no answer to store. */
  abandon(): void {
    void this.#witness?.release()
    this.#witness = undefined
  }
}

const NOTHING = new Uint8Array(0)
