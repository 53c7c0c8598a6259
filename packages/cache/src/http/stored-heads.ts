import type { SlotEntry } from '../cache-slots.js'
import { decodeHead, type StoredHead, type StoredResponse, withBody } from './stored-response.js'

/** How many heads are remembered by their key. */
const MOST_HEADS = 1_000

interface KnownHead {
  readonly bytes: Uint8Array
  readonly head: StoredHead
}

/**
 * Reads the heads of stored responses, and remembers what it read: by the bytes themselves where a store in the process hands out the
 * same again, else by their key, as long as the bytes are equal.
 */
export class StoredHeads {
  readonly #byBytes = new WeakMap<Uint8Array, StoredResponse>()
  readonly #byKey = new Map<string, KnownHead>()

  /** The response in an entry; `undefined` for anything that is none, so that what is not understood is a miss. */
  open(key: string, { head: bytes, body }: Pick<SlotEntry, 'head' | 'body'>): StoredResponse | undefined {
    const known = this.#byBytes.get(bytes)
    if (known !== undefined) return known.body === body ? known : withBody(known, body)
    const head = this.#read(key, bytes)
    if (head === undefined) return undefined
    const stored = withBody(head, body)
    this.#byBytes.set(bytes, stored)
    return stored
  }

  #read(key: string, bytes: Uint8Array): StoredHead | undefined {
    const known = this.#byKey.get(key)
    if (known !== undefined && Buffer.compare(known.bytes, bytes) === 0) return known.head
    const head = decodeHead(bytes)
    if (head !== undefined) this.#remember(key, { bytes: Buffer.from(bytes), head })
    return head
  }

  #remember(key: string, known: KnownHead): void {
    this.#byKey.delete(key)
    if (this.#byKey.size >= MOST_HEADS) {
      const oldest = this.#byKey.keys().next()
      if (oldest.done !== true) this.#byKey.delete(oldest.value)
    }
    this.#byKey.set(key, known)
  }
}
