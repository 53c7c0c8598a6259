import { spawnTypescript, type TypescriptChild } from '@plinth/testing'
import type { WorkerOptions } from '../../src/index.js'
import type { BrokerPlace } from './broker-place.js'
import type { WorkerOrders } from './worker-child.js'

/** How a worker process differs from the usual one: 10 tasks at once, 10 s to go down. */
export interface WorkerProcessOptions extends WorkerOptions {
  readonly closeWithin?: string
  /** Has `work` enqueued by the clock, once a second. */
  readonly pulse?: boolean
}

/** Starts a process that works on a place and writes its runs into a ledger; resolves once it works. */
export async function startWorker(
  place: BrokerPlace,
  ledger: string,
  { closeWithin = '10s', pulse = false, ...worker }: WorkerProcessOptions = {},
): Promise<TypescriptChild> {
  const orders: WorkerOrders = { place, ledger, worker, deadline: closeWithin, pulse }
  const file = new URL('./worker-child.ts', import.meta.url)
  const child = spawnTypescript(file, [JSON.stringify(orders)], { receiveTimeout: 120_000 })
  await child.receive((message) => message === 'ready')
  return child
}
