import { createHook } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createInfra } from '@plinth/app-factory'
import { silentLogger } from '@plinth/core'
import { defineTask } from '@plinth/tasks'
import { freshRedis, leakCheck, startMemcached } from '@plinth/testing'
import { expect, onTestFinished, test } from 'vitest'

leakCheck()

const CYCLES = process.env.PLINTH_LONG === '1' ? 1_000 : 50

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const noted = defineTask<{ readonly number: number }, number>({ name: 'noted', run: ({ number }) => number })

/** Timers that were made and are neither over nor cleared, also those that keep no process alive. */
class LiveTimers {
  readonly #ids = new Set<number>()
  readonly #hook = createHook({
    init: (id, type) => {
      if (type === 'Timeout') this.#ids.add(id)
    },
    destroy: (id) => {
      this.#ids.delete(id)
    },
  })

  open(): void {
    this.#hook.enable()
  }

  close(): void {
    this.#hook.disable()
  }

  get count(): number {
    return this.#ids.size
  }
}

/** What must not grow from cycle to cycle. */
interface Held {
  readonly handles: number
  readonly timers: number
  readonly listeners: number
  readonly heapMb: number
}

async function heldBy(timers: LiveTimers): Promise<Held> {
  await new Promise((resolve) => setTimeout(resolve, 500)) // what was just let go of is gone by then
  collectGarbage()
  return {
    handles: process.getActiveResourcesInfo().length,
    timers: timers.count,
    listeners: process.eventNames().reduce((sum, event) => sum + process.listenerCount(event), 0),
    heapMb: process.memoryUsage().heapUsed / 1024 / 1024,
  }
}

test('making and closing the whole leaves no connection, timer, listener or memory behind', {
  timeout: 840_000,
}, async () => {
  const redis = await freshRedis()
  const memcached = await startMemcached()
  onTestFinished(() => memcached.close())
  const env = {
    ...{ NODE_ENV: 'test', EMAIL_TRANSPORT: 'memory' },
    ...{ REDIS_URL: redis.url, MEMCACHED_SERVERS: memcached.url },
    ...{ CACHE_BACKEND: 'tiered', RATE_LIMITER_BACKEND: 'memcached', TASKS_BROKER: 'redis' },
  }
  const cycle = async (number: number): Promise<void> => {
    const infra = await createInfra({ env, tasks: [noted], worker: true, logger: silentLogger })
    infra.onTransition(() => {})
    await infra.cache.set('a', number)
    await infra.rateLimiter.check('default', 'user:42')
    const handle = await infra.tasks.enqueue(noted, { number })
    expect(await handle.result({ timeout: '10s' })).toBe(number)
    expect(await infra.close()).toMatchObject({ clean: true })
  }
  const timers = new LiveTimers()
  timers.open()
  onTestFinished(() => timers.close())

  for (let count = 0; count < CYCLES / 2; count += 1) await cycle(count)
  const before = await heldBy(timers)
  for (let count = 0; count < CYCLES / 2; count += 1) await cycle(count)
  const after = await heldBy(timers)

  if (process.env.PLINTH_LONG === '1') console.log(`${CYCLES} cycles: ${JSON.stringify({ before, after })}`)
  expect(after.handles - before.handles).toBeLessThanOrEqual(2)
  expect(after.timers - before.timers).toBeLessThanOrEqual(5)
  expect(after.listeners - before.listeners).toBe(0)
  expect(after.heapMb - before.heapMb).toBeLessThan(process.env.PLINTH_LONG === '1' ? 15 : 10)
  expect(channel('plinth:component:transition').hasSubscribers).toBe(false)
  await expect.poll(async () => String(await redis.command('INFO', 'clients'))).toMatch(/connected_clients:1\b/)
  await expect.poll(() => connectionsOf(memcached)).toBe(1)
})

/** How many connections a Memcached holds, the one that asks included. */
async function connectionsOf({ host, port }: { readonly host: string; readonly port: number }): Promise<number> {
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect({ host, port }, () => socket.write('stats\r\n'))
    let received = ''
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      received += chunk.toString()
      if (received.includes('END\r\n')) {
        socket.destroy()
        resolve(received)
      }
    })
  })
  return Number(/STAT curr_connections (\d+)/.exec(text)?.[1])
}
