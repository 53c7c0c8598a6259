import { once } from 'node:events'
import { withDeadline } from '../deadline.js'
import type { RedisClient } from './redis-connection.js'

const QUIT_MS = 1000
/** ioredis destroys a socket that does not close within 100 ms. */
const LAST_WORDS_MS = 250

/**
 * Ends a client within little more than a second, whatever the server does.
 *
 * A ready client finishes what is under way (`QUIT`). A client that waits to reconnect never says `end` by itself, keeps
 * the commands that wait for the connection, and whoever waits for either (BullMQ does) would wait for ever: both are
 * told here.
 */
export async function endClient(client: RedisClient): Promise<void> {
  if (hasEnded(client)) return
  const ended = once(client, 'end').catch(() => {})
  if (client.status === 'ready')
    await within(
      QUIT_MS,
      client.quit().then(() => within(LAST_WORDS_MS, ended)),
    )
  if (hasEnded(client)) return
  const silent = client.status === 'reconnecting'
  client.disconnect()
  if (!silent) await within(LAST_WORDS_MS, ended)
  if (!hasEnded(client)) announceEnd(client)
}

function announceEnd(client: RedisClient): void {
  client.status = 'end'
  const flush: unknown = Reflect.get(client, 'flushQueue')
  if (typeof flush === 'function') flush.call(client, new Error('Connection is closed.'))
  client.emit('end')
}

function within(deadlineMs: number, work: Promise<unknown>): Promise<unknown> {
  return withDeadline(work, { deadlineMs, onDeadline: () => new Error('too late') }).catch(() => {})
}

function hasEnded(client: RedisClient): boolean {
  return client.status === 'end'
}
