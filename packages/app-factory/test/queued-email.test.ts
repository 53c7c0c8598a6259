import { createInfra, type Infra } from '@plinth/app-factory'
import { silentLogger } from '@plinth/core'
import { readyTemplates } from '@plinth/email/templates'
import { freshRedis, startRedis } from '@plinth/testing'
import { PostmarkStandIn } from '@plinth/testing/postmark'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'

let postmark: PostmarkStandIn
afterEach(() => postmark.close())

async function appOn(env: Readonly<Record<string, string>>): Promise<Infra> {
  const infra = await createInfra({
    env: {
      NODE_ENV: 'test',
      EMAIL_TRANSPORT: 'postmark',
      EMAIL_SENDER_ADDRESS: 'hello@example.com',
      EMAIL_MAX_RETRIES: '0',
      EMAIL_TIMEOUT: '2s',
      POSTMARK_SERVER_TOKEN: postmark.token,
      ...env,
    },
    email: { postmarkEndpoint: postmark.endpoint },
    logger: silentLogger,
    worker: true,
  })
  onTestFinished(async () => void (await infra.close({ deadlineMs: 3000 })))
  return infra
}

const long = process.env.PLINTH_LONG === '1'
const { notification } = readyTemplates()
const messages = Array.from({ length: 20 }, (_, index) => ({
  to: `user${index}@example.com`,
  props: notification.example,
}))

test.each(['memory', 'redis'])(
  'mail queued on %s tasks waits while Postmark is down, and goes out once',
  async (broker) => {
    postmark = await new PostmarkStandIn().listen()
    const { port } = new URL(postmark.endpoint)
    const { email } = await appOn({ TASKS_BROKER: broker, REDIS_URL: (await freshRedis()).url })
    await postmark.close()

    const results = await email.sendMany(notification, messages, { queue: true })
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['queued']))
    await expect(
      email.send(notification, { to: 'now@example.com', props: notification.example }),
    ).rejects.toMatchObject({
      retryable: true,
      ambiguous: false,
    })
    expect(postmark.accepted).toEqual([])

    const back = await new PostmarkStandIn().listen(Number(port))
    postmark = back
    // It comes back badly. In the long form it may also have taken what it did not answer well: a worker must then wait out
    // the half minute in which Postmark does not find yet what it took.
    back.faults.push({ kind: 'status', status: 503 }, { kind: 'status', status: 429, headers: { 'retry-after': '1' } })
    if (long) back.faults.push({ kind: 'reset-after', accepts: true }, { kind: 'html', status: 502 })
    await vi.waitFor(() => expect(new Set(back.accepted.map(({ to }) => to[0])).size).toBe(20), { timeout: 40_000 })
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(back.accepted.map(({ to }) => to[0]).sort()).toEqual(messages.map(({ to }) => to).sort())
  },
  60_000,
)

test('when nobody knows whether the queue took a mail, the error says so, and sent again under its key it goes out once', async () => {
  postmark = await new PostmarkStandIn().listen()
  const redis = await startRedis()
  const { email } = await appOn({ TASKS_BROKER: 'redis', REDIS_URL: redis.url })
  const ask = (to: string): ReturnType<typeof email.send> =>
    email.send(notification, { to, props: notification.example }, { queue: true, idempotencyKey: to })

  await redis.freeze()
  const unknown = { name: 'EmailError', kind: 'timeout', retryable: true, ambiguous: true }
  await expect(ask('ada@example.com')).rejects.toMatchObject(unknown)
  await redis.thaw()

  await vi.waitFor(() => ask('ada@example.com'), { timeout: 20_000, interval: 200 })
  await ask('last@example.com')
  const receivers = (): unknown[] => postmark.accepted.map(({ to }) => to[0])
  await vi.waitFor(() => expect(receivers()).toContain('last@example.com'), { timeout: 20_000 })
  expect(receivers().sort()).toEqual(['ada@example.com', 'last@example.com'])
}, 60_000)
