import { channel } from 'node:diagnostics_channel'
import { connect } from 'node:net'
import { createInfra } from '@plinth/app-factory'
import { silentLogger } from '@plinth/core'
import { defineTask } from '@plinth/tasks'
import { freshRedis, growthOver, leakCheck, startMemcached } from '@plinth/testing'
import { expect, onTestFinished, test } from 'vitest'

leakCheck()

const CYCLES = process.env.PLINTH_LONG === '1' ? 1_000 : 50
/** Half of the cycles may grow the heap by so much: what is compiled and cached. A closed app that were kept would be more. */
const MOST_HEAP_MB = 10

const noted = defineTask<{ readonly number: number }, number>({ name: 'noted', run: ({ number }) => number })

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

  const { heapMb, ...left } = await growthOver(CYCLES, cycle)

  console.log(`${CYCLES} cycles left behind: ${JSON.stringify({ ...left, heapMb: Number(heapMb.toFixed(1)) })}`)
  expect(left).toEqual({ handles: {}, timers: [], listeners: 0 })
  expect(heapMb).toBeLessThan(MOST_HEAP_MB)
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
