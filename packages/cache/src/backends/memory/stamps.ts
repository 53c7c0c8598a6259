/** When a guard last changed, in the stamps' own count of changes. */
export interface Stamp {
  readonly guard: string
  changedAt: number
  /** Milliseconds since the epoch, for people; `undefined` while it never changed. */
  changedOn: number | undefined
  /** How many entries and computations depend on it. */
  users: number
}

/** Computations that began before this many unknown guards changed cannot find out about them any more. */
const MAX_REMEMBERED = 1_000

/**
 * The guards of one namespace, as far as anything depends on them.
 *
 * Time is a count of changes, so that "before" and "after" are exact. A guard nobody depends on takes no memory; its changes are
 * remembered only while some computation is under way that may yet turn out to depend on it.
 */
export class Stamps {
  readonly #stamps = new Map<string, Stamp>()
  /** Changes of guards that nobody depended on, while computations were under way. */
  readonly #remembered = new Map<string, number>()
  #forgottenUpTo = 0
  #computations = 0
  #time = 0

  /** The present, for what begins now. */
  get time(): number {
    return this.#time
  }

  /** Depends on guards; each must be given back by {@link Stamps.release}. */
  acquire(guards: readonly string[]): Stamp[] {
    return guards.map((guard) => {
      let stamp = this.#stamps.get(guard)
      if (stamp === undefined) {
        stamp = { guard, changedAt: this.#remembered.get(guard) ?? 0, changedOn: undefined, users: 0 }
        this.#stamps.set(guard, stamp)
      }
      stamp.users++
      return stamp
    })
  }

  release(stamps: readonly Stamp[]): void {
    for (const stamp of stamps) {
      if (--stamp.users > 0) continue
      this.#stamps.delete(stamp.guard)
      // Who computes now may yet find out that it depends on it.
      if (this.#computations > 0 && stamp.changedAt > 0) this.#remember(stamp.guard, stamp.changedAt)
    }
  }

  /** Whether guards found out late would be judged rightly for a computation that began at `time`. */
  remembers(time: number): boolean {
    return time >= this.#forgottenUpTo
  }

  change(guards: readonly string[]): void {
    for (const guard of guards) {
      const time = ++this.#time
      const stamp = this.#stamps.get(guard)
      if (stamp !== undefined) {
        stamp.changedAt = time
        stamp.changedOn = Date.now()
      } else if (this.#computations > 0) this.#remember(guard, time)
    }
  }

  /** A computation begins: from now on every change is remembered for it. */
  begin(): void {
    this.#computations++
  }

  end(): void {
    if (--this.#computations === 0) this.#remembered.clear()
  }

  #remember(guard: string, time: number): void {
    if (this.#remembered.size >= MAX_REMEMBERED) {
      this.#remembered.clear()
      this.#forgottenUpTo = this.#time
    }
    this.#remembered.set(guard, time)
  }
}

/** Whether none of the guards changed after `time`. */
export function unchangedSince(stamps: readonly Stamp[], time: number): boolean {
  for (let index = 0; index < stamps.length; index++) {
    if ((stamps[index] as Stamp).changedAt > time) return false
  }
  return true
}
