import { withDeadline } from '@plinth/core'
import type { RedisConnection } from '@plinth/core/redis'
import type { Cluster, Redis } from 'ioredis'
import { type ClusterView, parseClusterView } from './cluster-view.js'
import { BEAT_MS, type Coherence, type CoherenceListener } from './coherence.js'
import { Tracking } from './tracking.js'

/**
 * Hears of every change on a Cluster: each master tells of the keys that it holds.
 *
 * Slots move from master to master, and masters come and go. So every second each one is asked how it sees the cluster, and while any
 * of them sees a slot with, or on its way to, a node that is not listened to, there are no copies.
 */
export class ClusterTracking implements Coherence {
  readonly #connection: RedisConnection
  readonly #cluster: Cluster
  readonly #prefixes: readonly string[]
  readonly #listener: CoherenceListener
  /** By the names that masters have among themselves. */
  readonly #masters = new Map<string, Tracking>()
  #next: NodeJS.Timeout | undefined
  #complete = false
  #closed = false

  constructor(connection: RedisConnection, cluster: Cluster, prefixes: readonly string[], listener: CoherenceListener) {
    this.#connection = connection
    this.#cluster = cluster
    this.#prefixes = prefixes
    this.#listener = listener
    void this.#watch()
  }

  get live(): boolean {
    if (!this.#complete) return false
    for (const tracking of this.#masters.values()) if (!tracking.live) return false
    return true
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#next)
    this.#lose()
    for (const tracking of this.#masters.values()) tracking.close()
    this.#masters.clear()
  }

  async #watch(): Promise<void> {
    const complete = await this.#look()
    if (this.#closed) return
    if (!complete) this.#lose()
    this.#complete = complete
    this.#next = setTimeout(() => void this.#watch(), BEAT_MS).unref()
  }

  /** Listens to every master; answers whether, as all of them see it, these are all. */
  async #look(): Promise<boolean> {
    try {
      const nodes = this.#cluster.nodes('master')
      const views = await Promise.all(nodes.map(viewOf))
      if (this.#closed) return false
      this.#listenTo(new Map(views.map(({ self }, index) => [self, nodes[index] as Redis])))
      const holders = views.flatMap((view) => view.holders)
      if (holders.length > 0 && holders.every((id) => this.#masters.has(id))) return true
    } catch {
      // A master that does not answer may have been replaced, and nobody here would hear of it.
    }
    this.#cluster.refreshSlotsCache()
    return false
  }

  #listenTo(nodes: ReadonlyMap<string, Redis>): void {
    for (const [id, tracking] of this.#masters) {
      if (nodes.has(id)) continue
      this.#masters.delete(id)
      tracking.close()
    }
    for (const [id, node] of nodes) {
      if (this.#masters.has(id)) continue
      const client = this.#connection.dedicated({ protocol: 2, resubscribe: false, node })
      this.#masters.set(id, new Tracking(client, this.#prefixes, this.#listener))
    }
  }

  #lose(): void {
    this.#complete = false
    this.#listener.lost()
  }
}

async function viewOf(node: Redis): Promise<ClusterView> {
  const onDeadline = (): Error => new Error('no answer')
  return parseClusterView(String(await withDeadline(node.cluster('NODES'), { deadlineMs: BEAT_MS, onDeadline })))
}
