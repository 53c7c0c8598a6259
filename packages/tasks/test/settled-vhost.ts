import { freshVhost } from '@plinth/testing'
import { connect } from 'amqplib'

/**
 * The URL of an empty vhost of the shared RabbitMQ in which nothing waits until a new stream can be relied on: this server
 * has kept streams for a while. Gone when `scope` is over; without one, when the test file is.
 */
export async function settledVhost(...scope: Parameters<typeof freshVhost>): Promise<string> {
  const url = await freshVhost(...scope)
  const connection = await connect(url)
  const channel = await connection.createChannel()
  await channel.assertExchange('plinth.ledger.v1.fate', 'fanout', { durable: true })
  await connection.close()
  return url
}
