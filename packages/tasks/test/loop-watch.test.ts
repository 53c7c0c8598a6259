import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { startRedis } from '@plinth/testing'
import { expect, test } from 'vitest'
import { redisBroker } from '../src/brokers/redis.js'
import { createTasks, defineTask } from '../src/index.js'

/** Computes without a pause. */
function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end) {
    // nothing else gets a turn
  }
}

test('a handler that blocks the event loop long enough to endanger leases is warned of once, by its name', async () => {
  await using server = await startRedis()
  const warnings: { readonly facts: object; readonly text: string }[] = []
  const warn = (facts: object, text: string): void => void warnings.push({ facts, text })
  const logger = { debug() {}, info() {}, warn, error() {} }
  const crunch = defineTask({ name: 'crunch', run: () => block(900) })
  const tasks = createTasks({ broker: redisBroker({ url: server.url, lock: '1500ms' }), tasks: [crunch], logger })
  const told: unknown[] = []
  const listen = (event: unknown): void => void told.push(event)
  subscribe('plinth:tasks:lag', listen)
  try {
    await tasks.worker({ concurrency: 1 }).start()
    for (const handle of [await tasks.enqueue(crunch), await tasks.enqueue(crunch)]) {
      await handle.result({ timeout: '60s' })
    }
    await expect.poll(() => told.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(2)
    const lags = warnings.filter(({ text }) => text.includes('event loop'))
    expect(lags).toHaveLength(1)
    for (const event of told) expect(event).toMatchObject({ leaseMs: 1500, tasks: ['crunch'] })
  } finally {
    unsubscribe('plinth:tasks:lag', listen)
    await tasks.close()
  }
}, 90_000)
