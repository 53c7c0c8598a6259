import { withDeadline } from '../deadline.js'
import type { RedisClient } from './redis-connection.js'

const QUIT_MS = 1000

/**
 * Ends a client within about a second, whatever the server does.
 *
 * A ready client is asked to finish what is under way (`QUIT`). A client that waits to reconnect never says `end` by
 * itself, and whoever waits for that (BullMQ does) would wait for ever: it is told here.
 */
export async function endClient(client: RedisClient): Promise<void> {
  if (client.status === 'end') return
  if (client.status === 'ready') {
    const gone = new Error('The server did not confirm QUIT.')
    await withDeadline(client.quit(), { deadlineMs: QUIT_MS, onDeadline: () => gone }).catch(() => {})
  }
  if (hasEnded(client)) return
  const waiting = client.status === 'reconnecting' || client.status === 'wait'
  client.disconnect()
  if (waiting && !hasEnded(client)) {
    client.status = 'end'
    client.emit('end')
  }
}

function hasEnded(client: RedisClient): boolean {
  return client.status === 'end'
}
