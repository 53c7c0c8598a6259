import { setTimeout as sleep } from 'node:timers/promises'
import { freshVhost, leakCheck, tcpProxy } from '@plinth/testing'
import { connect } from 'amqplib'
import { expect, test } from 'vitest'
import type { Term } from '../src/broker.js'
import { rabbitmqBroker } from '../src/brokers/rabbitmq.js'
import { eventually } from './faults/eventually.js'

leakCheck()

const untilOver = ({ signal }: Term): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (signal.aborted) resolve()
  })

test('an office whose first leader died before it left anything gets a leader', { timeout: 240_000 }, async () => {
  const url = await freshVhost()
  const connection = await connect(url)
  const channel = await connection.createChannel()
  await channel.assertQueue('plinth.lead.v1.office', {
    durable: true,
    arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true },
  })
  await connection.close()
  const broker = rabbitmqBroker({ url })
  const states: (string | undefined)[] = []
  await broker.lead('office', async (term) => {
    states.push(term.state)
    await untilOver(term)
  })
  await eventually(() => states.length === 1, 100_000)
  expect(states).toEqual([undefined])
  await broker.close()
})

test('a leader that takes its time to notice that its connection broke leads again afterwards', {
  timeout: 240_000,
}, async () => {
  const proxy = await tcpProxy(await freshVhost())
  const broker = rabbitmqBroker({ url: proxy.url })
  const states: (string | undefined)[] = []
  let leading = 0
  await broker.lead('office', async (term) => {
    leading += 1
    expect(leading).toBe(1)
    states.push(term.state)
    if (states.length === 1) await term.save('"first"')
    await untilOver(term)
    await sleep(states.length === 1 ? 6000 : 0) // longer than it takes to connect again
    leading -= 1
  })
  await eventually(() => states.length === 1, 100_000)
  await sleep(500)
  proxy.cut()
  await eventually(() => states.length === 2, 100_000)
  expect(states).toEqual([undefined, '"first"'])
  await broker.close()
  await proxy.close()
})
