/** A cluster as one of its nodes sees it. */
export interface ClusterView {
  /** The node's own name. */
  readonly self: string
  /** Who holds slots, or is about to get one of this node's. */
  readonly holders: readonly string[]
}

/**
 * Reads the answer of `CLUSTER NODES`: one node a line, with its name, flags and slots; a slot of its own that a node is handing on is
 * `[slot->-name]`.
 */
export function parseClusterView(text: string): ClusterView {
  let self = ''
  const holders: string[] = []
  for (const line of text.split('\n')) {
    const [id = '', , flags = '', , , , , , ...slots] = line.trim().split(' ')
    if (flags.split(',').includes('myself')) self = id
    if (slots.some((slot) => !slot.startsWith('['))) holders.push(id)
    for (const slot of slots) {
      const [, heir] = /^\[\d+->-(\w+)\]$/.exec(slot) ?? []
      if (heir !== undefined) holders.push(heir)
    }
  }
  return { self, holders }
}
