import { randomUUID } from 'node:crypto'
import type { Channel } from 'amqplib'

/**
 * Makes quorum queues that were declared a moment ago outlive a kill of their server.
 *
 * RabbitMQ keeps the list of its quorum queues in a table that is written to disk up to three seconds late, and when it is
 * killed before, such a queue comes back empty, with confirmed messages lost (seen on 3.10). Deleting any quorum queue
 * looks it up in that table, and a look-up writes down what was not written yet.
 */
export async function settleYoungQueues(channel: Channel): Promise<void> {
  const name = `plinth.settle.${randomUUID()}`
  await channel.assertQueue(name, {
    durable: true,
    arguments: { 'x-queue-type': 'quorum', 'x-expires': 60_000 }, // should nobody come to delete it
  })
  await channel.deleteQueue(name)
}
