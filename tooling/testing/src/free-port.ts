import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below every system's range for outgoing connections, and still so with 10000 added for the bus of a Redis Cluster node. */
const lowest = 10_000
const highest = 22_000

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/**
 * A loopback port on which nothing listens, nor on any of `alsoFree` added to it.
 *
 * It is taken from outside the range that systems use for outgoing connections, so only another listener can take it
 * before you do: whoever starts a server on it starts again on another port when it is gone.
 */
export async function freePort(alsoFree: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(lowest, highest)
    const free = await Promise.all([0, ...alsoFree].map((offset) => canListen(port + offset)))
    if (free.every(Boolean)) return port
  }
  throw new Error(`No free loopback port between ${lowest} and ${highest}.`)
}
