import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { freshRedis, leakCheck, startMemcached } from '@plinth/testing'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Readiness } from '../src/availability.js'
import { openMemcached } from '../src/memcached/index.js'
import { createRedisHub } from '../src/redis/index.js'
import { SilentRelay } from './silent-relay.js'

/** Before anything is imported: whoever waits with jitter keeps the way in which it draws. */
vi.hoisted(() => {
  Math.random = () => 0.999_999
})

leakCheck()

/** The promise: so long after the backend's return, all is well again. */
const RECOVERY_MS = 2_000

const realTimeout = setTimeout

/*
 * The clock and the timers of the connection are turned by hand, while sockets and servers are real: what is added up is how
 * long a connection waits by itself, at the worst, whatever this machine is busy with. Every wait with jitter is as long
 * as it can be.
 */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

interface Subject extends Readiness {
  readonly available: boolean
  call(): Promise<unknown>
}

interface Rig {
  readonly relay: SilentRelay
  open(): Subject
}

async function relayTo(server: { readonly host: string; readonly port: number }): Promise<SilentRelay> {
  const relay = new SilentRelay(server)
  await relay.serve()
  onTestFinished(() => relay.refuse())
  return relay
}

async function redisRig(): Promise<Rig> {
  const relay = await relayTo(await freshRedis())
  const open = (): Subject => {
    const hub = createRedisHub()
    onTestFinished(() => hub.close())
    const lease = hub.lease({ url: `redis://127.0.0.1:${relay.port}` })
    return Object.assign(lease, { call: () => lease.run((client) => client.ping()) })
  }
  return { relay, open }
}

async function memcachedRig(): Promise<Rig> {
  const server = await startMemcached()
  onTestFinished(() => server.close())
  const relay = await relayTo(server)
  const open = (): Subject => {
    const memcached = openMemcached({ servers: `127.0.0.1:${relay.port}` })
    onTestFinished(() => memcached.close())
    return Object.assign(memcached, { call: () => memcached.get('key') })
  }
  return { relay, open }
}

/** Returns when nobody waits for a socket or for the server any more, however long this machine takes. */
async function allQuiet(relay: SilentRelay): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) {
    await nextTurn()
    if (!relay.isBusy && !process.getActiveResourcesInfo().includes('TCPConnectWrap')) continue
    turns = 0
    await new Promise((resolve) => realTimeout(resolve, 1))
  }
}

/** Answers how long the connection waits until `look` answers true, on the clock that is turned by hand. */
async function waitsUntil(relay: SilentRelay, look: () => boolean): Promise<number> {
  const began = Date.now()
  await allQuiet(relay)
  while (!look()) {
    if (Date.now() - began > 60_000) throw new Error('It would wait for more than a minute.')
    vi.advanceTimersToNextTimer()
    await allQuiet(relay)
  }
  return Date.now() - began
}

describe.each([
  ['Redis', redisRig],
  ['Memcached', memcachedRig],
] as const)('%s is asked again within two seconds of its return', (_, makeRig) => {
  test('after it has refused for long, and has just refused once more', async () => {
    const { relay, open } = await makeRig()
    await relay.refuse()
    const subject = open()
    let attempts = 0
    const onAttempt = (): void => void attempts++
    subscribe('net.client.socket', onAttempt)
    onTestFinished(() => void unsubscribe('net.client.socket', onAttempt))
    await waitsUntil(relay, () => attempts > 8)
    await relay.serve()
    const waited = await waitsUntil(relay, () => subject.available)
    expect(waited).toBeGreaterThanOrEqual(699)
    expect(waited).toBeLessThanOrEqual(RECOVERY_MS)
  })

  test('after a long silence in which somebody has just been connected, and is lost', async () => {
    const { relay, open } = await makeRig()
    await relay.fallSilent()
    const subject = open()
    await waitsUntil(relay, () => relay.accepted > 8)
    await relay.serve()
    const waited = await waitsUntil(relay, () => subject.available)
    expect(waited).toBeGreaterThan(1_200)
    expect(waited).toBeLessThanOrEqual(RECOVERY_MS)
  })

  test('after a silence in the middle, when the probe that has just been sent is lost with its connection', async () => {
    const { relay, open } = await makeRig()
    const subject = open()
    await waitsUntil(relay, () => subject.available)
    await relay.fallSilent()
    const calls = Promise.allSettled(Array.from({ length: 5 }, () => subject.call()))
    await waitsUntil(relay, () => !subject.available)
    await calls
    const unheard = relay.unheard
    await waitsUntil(relay, () => relay.unheard > unheard)
    await relay.serve()
    const waited = await waitsUntil(relay, () => subject.available)
    expect(waited).toBeGreaterThan(1_200)
    expect(waited).toBeLessThanOrEqual(RECOVERY_MS)
  })
})
