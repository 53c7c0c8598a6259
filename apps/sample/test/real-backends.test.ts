import { registerChecks } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Balancer } from './balancer.js'
import { Client, signUp } from './client.js'
import { combinations, type RealBackends, startBackends } from './real-backends.js'
import { type Role, type SampleProcess, startProcess } from './sample-process.js'
import { story } from './story.js'

/** One web process of each framework: what one has cached or counted holds for the other. */
const roles: readonly Role[] = ['fastify', 'express', 'worker', 'worker']

describe.each(combinations)('two web processes and two workers on %s', (combination) => {
  let backends: RealBackends
  let processes: readonly SampleProcess[]
  let balancer: Balancer

  beforeAll(async () => {
    backends = await startBackends(combination)
    processes = await Promise.all(roles.map((role) => startProcess(role, backends.env)))
    balancer = await new Balancer().listen()
    for (const { url } of processes) if (url !== undefined) await balancer.add(url)
  }, 120_000)

  afterAll(async () => {
    await balancer.close()
    await Promise.all(processes.map((one) => one.stop()))
  })

  registerChecks(story, () => ({ client: new Client(balancer.url) }))

  test('the welcome mail reaches a new member once', async () => {
    const email = `grace-${crypto.randomUUID()}@example.com`
    const answer = await new Client(balancer.url).ask('POST', '/members', { name: 'Grace', email })
    expect(answer.json.mail).toBe('queued')
    const arrived = () => backends.mail.received.filter(({ to }) => to.includes(email)).length
    await expect.poll(arrived, { timeout: 15_000 }).toBe(1)
  })

  test('a limit counts over both web processes', async () => {
    const { client } = await signUp(new Client(balancer.url, undefined, { 'x-caller': '127.0.0.77' }))
    const statuses: number[] = []
    for (let i = 0; i < 8; i++) statuses.push((await client.get('/search?q=limit')).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429])
  })
})
