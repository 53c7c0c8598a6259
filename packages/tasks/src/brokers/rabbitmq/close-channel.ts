import { withDeadline } from '@plinth/core'
import type { Channel } from 'amqplib'
import { noAnswer } from './rabbit-errors.js'

/** How long a server may take to say that a channel is closed: without an answer it goes with its session. */
const ANSWER_MS = 1000

/** Closes a channel, and with it what it holds goes back to its queue; its session goes on. Never rejects. */
export async function closeChannel(channel: Channel): Promise<void> {
  channel.removeAllListeners('close') // a session ends with a channel that it loses
  const closing = Promise.resolve().then(() => channel.close())
  await withDeadline(closing, { deadlineMs: ANSWER_MS, onDeadline: noAnswer }).catch(() => {}) // what was refused is closed already
}
