import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { leakCheck } from '@plinth/testing'
import { expect, onTestFinished, test } from 'vitest'
import { runCli } from '../src/cli/main.js'

leakCheck()

const TOKEN = 'token-that-nobody-may-see'
const outbound = { ID: 'outbound', MessageStreamType: 'Transactional', ArchivedAt: null }

/** Answers as Postmark's server API does, for one token. */
async function postmarkStandIn(answers: { readonly type?: string; readonly streams?: readonly object[] }) {
  const { type = 'Live', streams = [outbound] } = answers
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const path = request.url?.split('?')[0]
    const known = request.headers['x-postmark-server-token'] === TOKEN
    const body = known
      ? { '/server': { ID: 1, Name: 'shop', DeliveryType: type }, '/message-streams': { MessageStreams: streams } }[
          path ?? ''
        ]
      : { ErrorCode: 10, Message: 'Request does not contain a valid Server token.' }
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json', connection: 'close' })
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())))
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

async function doctor(endpoint: string, token = TOKEN) {
  let out = ''
  const write = (text: string): void => {
    out += text
  }
  const env = { EMAIL_TRANSPORT: 'postmark', EMAIL_SENDER_ADDRESS: 'shop@example.com', POSTMARK_SERVER_TOKEN: token }
  const code = await runCli(['doctor'], { env, stdout: { write }, stderr: { write }, postmarkEndpoint: endpoint })
  expect(out).not.toContain(token)
  return { code, out }
}

test('doctor asks Postmark whether the token is taken, the server delivers and the stream is there, and sends nothing', async () => {
  const { endpoint, asked } = await postmarkStandIn({})
  const { code, out } = await doctor(endpoint)
  expect(out).toMatch(/✓ connection +postmark at 127\.0\.0\.1:\d+ takes our credentials/)
  expect(out).toMatch(/✓ delivery type +Live/)
  expect(out).toMatch(/✓ streams +outbound \(Transactional\)/)
  expect(code).toBe(0)
  expect(asked.every((line) => line.startsWith('GET '))).toBe(true)
})

test('a sandbox and a missing stream are warnings: somebody may want them so', async () => {
  const broadcast = { ID: 'news', MessageStreamType: 'Broadcasts', ArchivedAt: null }
  const streams = [broadcast, { ...outbound, ArchivedAt: '2026-01-01T00:00:00Z' }]
  const { endpoint } = await postmarkStandIn({ type: 'Sandbox', streams })
  const { code, out } = await doctor(endpoint)
  expect(out).toMatch(/! delivery type +Sandbox: the server takes mail and delivers none/)
  expect(out).toMatch(/! streams +news \(Broadcasts\): there is no "outbound"/)
  expect(out).toContain('0 faults, 2 warnings')
  expect(code).toBe(0)
})

test('a token that Postmark does not know is one fault, and is not shown', async () => {
  const { endpoint } = await postmarkStandIn({})
  const { code, out } = await doctor(endpoint, 'another-token-to-keep-quiet')
  expect(code).toBe(1)
  expect(out).toContain('1 fault,')
})

test('a Postmark that is away is one fault', async () => {
  const { code, out } = await doctor('http://127.0.0.1:9')
  expect(code).toBe(1)
  expect(out).toContain('1 fault,')
})
