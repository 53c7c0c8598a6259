import { randomBytes } from 'node:crypto'

const ROWS = 4
const COLUMNS = 16_384

/**
 * Remembers, for any number of keys in fixed memory, an upper bound of the number last kept for each.
 *
 * A count-min sketch that keeps maxima instead of sums: a key shares its four cells with others, so what is recalled may
 * be too high, never too low. Two generations: what was kept is remembered for one to two `generation`s, then forgotten.
 */
export class MaxSketch {
  readonly #generation: number
  readonly #seed: number = randomBytes(4).readUInt32LE()
  #born: number
  #current: Uint32Array = new Uint32Array(ROWS * COLUMNS)
  #previous: Uint32Array = new Uint32Array(ROWS * COLUMNS)

  constructor(generation: number, now: number) {
    this.#generation = generation
    this.#born = now
  }

  keep(key: string, amount: number, now: number): void {
    this.#turn(now)
    const [first, step] = this.#hash(key)
    for (let row = 0; row < ROWS; row += 1) {
      const cell = cellOf(row, first, step)
      this.#current[cell] = Math.max(this.#current[cell] ?? 0, amount)
    }
  }

  recall(key: string, now: number): number {
    this.#turn(now)
    const [first, step] = this.#hash(key)
    let least = 2 ** 32
    for (let row = 0; row < ROWS; row += 1) {
      const cell = cellOf(row, first, step)
      least = Math.min(least, Math.max(this.#current[cell] ?? 0, this.#previous[cell] ?? 0))
    }
    return least
  }

  #turn(now: number): void {
    const age = now - this.#born
    if (age < this.#generation) return
    const forgotten = this.#previous
    this.#previous = age < 2 * this.#generation ? this.#current : forgotten.fill(0)
    this.#current = (this.#previous === forgotten ? this.#current : forgotten).fill(0)
    this.#born = now
  }

  /** Two 32-bit hashes in one pass (FNV-1a, then mixed), seeded so that nobody can choose keys that collide. */
  #hash(key: string): readonly [number, number] {
    let hash = this.#seed ^ 0x811c9dc5
    for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
    return [mix(hash), mix(hash ^ this.#seed ^ 0x9e3779b9) | 1]
  }
}

function cellOf(row: number, first: number, step: number): number {
  return row * COLUMNS + ((first + Math.imul(row, step)) & (COLUMNS - 1))
}

/** The finaliser of MurmurHash3. */
function mix(hash: number): number {
  const a = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const b = Math.imul(a ^ (a >>> 13), 0xc2b2ae35)
  return b ^ (b >>> 16)
}
