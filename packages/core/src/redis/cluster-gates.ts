import type { Cluster, Redis } from 'ioredis'
import { Gate, type GateOptions } from '../gate.js'
import { keySlot } from './key-slot.js'
import { verifyNode } from './verify-redis.js'

/** What every node's gate has in common. */
export type NodeGateOptions = Omit<GateOptions, 'probe' | 'onDead'>

/**
 * A gate for each node of a Cluster, so that one node that is away costs only the keys that live there.
 *
 * The owner of a key is looked up at every call: after a failover the call goes through the gate of the new one.
 */
export class ClusterGates {
  readonly #cluster: Cluster
  readonly #options: NodeGateOptions
  readonly #gates = new Map<string, Gate>()
  #closed = false

  constructor(cluster: Cluster, options: NodeGateOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  /** The gate of the node that holds `key`; `undefined` while the map of slots is not known. */
  gateOf(key: string): Gate | undefined {
    const node = this.#cluster.slots[keySlot(key)]?.[0]
    if (node === undefined || this.#closed) return undefined
    const known = this.#gates.get(node)
    if (known !== undefined) return known
    this.#forgetGone()
    const gate = this.#open(node)
    this.#gates.set(node, gate)
    return gate
  }

  /** Why no node answers; `undefined` while one does, and before any was asked. */
  get lost(): Error | undefined {
    const gates = [...this.#gates.values()]
    return gates.some((gate) => gate.available) ? undefined : gates[0]?.error
  }

  close(): void {
    this.#closed = true
    for (const gate of this.#gates.values()) gate.close()
    this.#gates.clear()
  }

  #open(node: string): Gate {
    const gate: Gate = new Gate({
      ...this.#options,
      onChange: () => {
        if (!gate.available) this.#lookBeside(gate)
        this.#options.onChange()
      },
      label: `${this.#options.label} (node ${node})`,
      probe: () => this.#probe(node),
      // without its connection, the next command asks another node who holds the slot now
      onDead: () => this.#find(node)?.disconnect(),
    })
    gate.setConnected(true)
    return gate
  }

  /**
   * A node went: are the others still there? One that nobody asks would count as one that answers.
   *
   * They are asked for the answer that was missed, so that a Cluster that became slow as a whole is known to be.
   */
  #lookBeside(gone: Gate): void {
    if (this.#closed) return
    for (const gate of this.#gates.values()) if (gate !== gone) void gate.look(gone.missedDeadlineMs)
  }

  async #probe(node: string): Promise<void> {
    this.#cluster.refreshSlotsCache()
    const client = this.#find(node)
    if (client === undefined) throw new Error('Connection is closed.')
    await verifyNode(client)
  }

  #find(node: string): Redis | undefined {
    return this.#cluster.nodes().find(({ options }) => `${options.host}:${options.port}` === node)
  }

  /** Nodes come and go; a gate of one that holds no slot any more would be kept for nothing. */
  #forgetGone(): void {
    const holders = new Set(this.#cluster.slots.map((nodes) => nodes?.[0]))
    for (const [node, gate] of this.#gates) {
      if (holders.has(node)) continue
      gate.close()
      this.#gates.delete(node)
    }
  }
}
