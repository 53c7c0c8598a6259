import type { ConsumeMessage } from 'amqplib'
import { expect, test } from 'vitest'
import { decodeEnvelope, encodeMessage } from '../src/brokers/rabbitmq/rabbit-codec.js'
import type { TaskMessage } from '../src/index.js'

const plain: TaskMessage = {
  id: 'a1',
  task: 'image.resize',
  version: 2,
  queue: 'images',
  lane: 'high',
  input: { text: 'ü " \\ \u2028' },
  attempts: 3,
  enqueuedAt: 1_700_000_000_000,
  keepResultMs: 0,
  keepDeadMs: 1000,
}
const { input: _, ...withoutInput } = plain

test.each<[string, TaskMessage]>([
  ['with nothing but what every message has', plain],
  ['without input', { ...withoutInput, input: undefined }],
  ['with a due time', { ...plain, dueAt: 1_700_000_000_001 }],
  ['with an expiry', { ...plain, expiresAt: 1_700_000_000_002 }],
  ['with keys', { ...plain, dedupe: { id: true, idempotency: { key: 'k', windowMs: 5 } } }],
  ['with parents and headers', { ...plain, parent: 'p', root: 'r', headers: { traceparent: '00' } }],
  ['that was put aside', { ...plain, parkedAt: 5 }],
])('a message %s is read as it was written', (_name, message) => {
  const content = encodeMessage(message, 1000)
  expect(decodeEnvelope({ content } as ConsumeMessage)?.message).toEqual(
    JSON.parse(JSON.stringify({ ...message, made: 0 })),
  )
})
