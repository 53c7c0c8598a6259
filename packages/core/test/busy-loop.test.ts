import { freshRedis, leakCheck } from '@plinth/testing'
import { expect, onTestFinished, test } from 'vitest'
import { openRedis } from '../src/redis/index.js'

leakCheck()

test('an answer that came in time counts, however late a busy event loop reads it', async () => {
  const server = await freshRedis()
  const redis = await openRedis({ url: server.url })
  onTestFinished(() => redis.close())
  const answer = redis.run((client) => client.ping(), { deadlineMs: 100 })
  await new Promise((resolve) => process.nextTick(resolve)) // the command is sent at the end of the turn
  const until = performance.now() + 1000
  while (performance.now() < until); // the server answers meanwhile, and nobody can read it
  await expect(answer).resolves.toBe('PONG')
})
