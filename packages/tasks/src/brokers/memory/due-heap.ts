/** Something with a time at which it is due. */
export interface Due<Item> {
  readonly at: number
  readonly order: number
  readonly item: Item
}

/** A binary heap: the earliest first, and among equals the one that was put in first. */
export class DueHeap<Item> {
  readonly #heap: Due<Item>[] = []
  #order = 0

  get size(): number {
    return this.#heap.length
  }

  peek(): Due<Item> | undefined {
    return this.#heap[0]
  }

  push(at: number, item: Item): void {
    this.#heap.push({ at, order: this.#order++, item })
    this.#rise(this.#heap.length - 1)
  }

  pop(): Due<Item> | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first === undefined || last === undefined || this.#heap.length === 0) return first
    this.#heap[0] = last
    this.#sink(0)
    return first
  }

  #rise(index: number): void {
    let child = index
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!this.#swapIfLater(parent, child)) return
      child = parent
    }
  }

  #sink(index: number): void {
    let parent = index
    for (;;) {
      const left = 2 * parent + 1
      const right = left + 1
      const child = right < this.#heap.length && this.#isLater(left, right) ? right : left
      if (child >= this.#heap.length || !this.#swapIfLater(parent, child)) return
      parent = child
    }
  }

  #swapIfLater(parent: number, child: number): boolean {
    const upper = this.#heap[parent]
    const lower = this.#heap[child]
    if (upper === undefined || lower === undefined || !this.#isLater(parent, child)) return false
    this.#heap[parent] = lower
    this.#heap[child] = upper
    return true
  }

  #isLater(first: number, second: number): boolean {
    const a = this.#heap[first]
    const b = this.#heap[second]
    if (a === undefined || b === undefined) return false
    return a.at > b.at || (a.at === b.at && a.order > b.order)
  }
}
