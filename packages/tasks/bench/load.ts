/** One work item of a few bytes, and one of ten fields of ten. */
export const small = { a: 'x' }
export const large: Record<string, string> = Object.fromEntries(
  Array.from({ length: 10 }, (_, n) => [`field-${n}`, '0123456789']),
)

/** One after the other. */
export async function inTurn(ops: number, enqueue: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < ops; n += 1) await enqueue(n)
}

/** Up to 500 under way at once. */
export async function inFlight(ops: number, enqueue: (n: number) => Promise<unknown>): Promise<void> {
  let sent = 0
  const lane = async (): Promise<void> => {
    while (sent < ops) await enqueue(sent++)
  }
  await Promise.all(Array.from({ length: Math.min(500, ops) }, lane))
}

/** In batches of 50, one after the other. */
export async function inBatches<Item>(
  ops: number,
  item: Item,
  enqueue: (items: Item[]) => Promise<unknown>,
): Promise<void> {
  for (let n = 0; n < ops; n += 50) await enqueue(new Array<Item>(Math.min(50, ops - n)).fill(item))
}

/** Counts what handlers have done, and tells when that is enough. */
export class Tally {
  #done = 0
  #wanted = Number.POSITIVE_INFINITY
  #enough: () => void = () => {}

  add(): void {
    this.#done += 1
    if (this.#done >= this.#wanted) this.#enough()
  }

  /** Resolves after `ops` more. */
  more(ops: number): Promise<void> {
    this.#done = 0
    this.#wanted = ops
    return new Promise((resolve) => {
      this.#enough = resolve
    })
  }
}
