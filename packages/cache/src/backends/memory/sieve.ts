/** What the sieve needs of an entry: its neighbours, and whether it was used since the hand last passed. */
export interface SieveNode {
  newer: SieveNode | undefined
  older: SieveNode | undefined
  visited: boolean
}

/**
 * Chooses what to evict: entries in the order of arrival, and a hand that passes from old to new, sparing once what was used.
 *
 * A hit sets one bit and moves nothing. What is seen only once is the first to go, so a scan does not wash out what is in use.
 * Source: SIEVE (Zhang et al., NSDI 2024).
 */
export class Sieve<Node extends SieveNode> {
  #newest: SieveNode | undefined
  #oldest: SieveNode | undefined
  #hand: SieveNode | undefined

  /** Enters a node as the newest. */
  add(node: Node): void {
    node.older = this.#newest
    node.newer = undefined
    if (this.#newest) this.#newest.newer = node
    else this.#oldest = node
    this.#newest = node
  }

  /** Takes a node out, wherever it stands. */
  remove(node: Node): void {
    if (this.#hand === node) this.#hand = node.newer
    if (node.newer) node.newer.older = node.older
    else this.#newest = node.older
    if (node.older) node.older.newer = node.newer
    else this.#oldest = node.newer
    node.newer = undefined
    node.older = undefined
  }

  /** The node to evict next, a dead one before a used one; it stays until it is removed. `undefined` when there is none. */
  victim(isDead: (node: Node) => boolean): Node | undefined {
    let hand = this.#hand ?? this.#oldest
    while (hand?.visited && !isDead(hand as Node)) {
      hand.visited = false
      hand = hand.newer ?? this.#oldest
    }
    this.#hand = hand
    return hand as Node | undefined
  }
}
