import { afterEach, describe, expect, test } from 'vitest'
import { Balancer } from './balancer.js'
import { Client } from './client.js'
import { Load } from './load.js'
import { combinations, startBackends } from './real-backends.js'
import { type Role, type SampleProcess, startProcess } from './sample-process.js'

const roles: readonly Role[] = ['fastify', 'express', 'worker', 'worker']
/** Long enough for the balancer to notice that a process is about to go. */
const drain = { SHUTDOWN_DRAIN_DELAY: '1s' }
const rounds = process.env.PLINTH_LONG === '1' ? 5 : 1

/** Four processes start in every round, and a busy machine takes half a minute for each. */
const timeout = 120_000 + rounds * 180_000

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

describe.each(combinations)('a rolling restart under load on %s', (combination) => {
  test('fails no request, loses no task, and sends no mail twice', { timeout }, async () => {
    const backends = await startBackends(combination)
    const env = { ...backends.env, ...drain }
    const processes: SampleProcess[] = await Promise.all(roles.map((role) => startProcess(role, env)))
    closing.push(async () => void (await Promise.all(processes.map((one) => one.stop()))))
    const balancer = await new Balancer().listen()
    closing.push(() => balancer.close())
    for (const { url } of processes) if (url !== undefined) await balancer.add(url)

    const load = new Load(balancer.url, { callers: 4 })
    for (let round = 0; round < rounds; round++) {
      for (const [index, old] of processes.entries()) {
        await old.stop()
        if (old.url !== undefined) balancer.remove(old.url)
        const fresh = await startProcess(old.role, env)
        processes[index] = fresh
        if (fresh.url !== undefined) await balancer.add(fresh.url)
      }
    }
    const { failures, requests, exports, addresses } = await load.stop()
    expect(failures).toEqual([])
    expect(requests).toBeGreaterThan(50)
    expect(exports.length).toBeGreaterThan(3)

    const client = new Client(balancer.url)
    for (const { id, apiKey } of exports) {
      const state = async () => (await client.as(apiKey).get(`/exports/${id}`)).json.status
      await expect.poll(state, { timeout: 60_000, interval: 250 }).toBe('completed')
      expect((await client.as(apiKey).get(`/exports/${id}/posts.csv`)).status).toBe(200)
    }
    const recipients = () => backends.mail.received.flatMap(({ to }) => to)
    await expect.poll(() => new Set(recipients()).size, { timeout: 60_000 }).toBe(addresses.length)
    expect(recipients().toSorted()).toEqual(addresses.toSorted())
    console.log(`${combination}: ${requests} requests, ${exports.length} exports, ${addresses.length} mails`)
  })
})
