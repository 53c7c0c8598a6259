import { type Message, recipientsOf } from './message/message.js'
import type { Delivery } from './transport.js'

/** The delivery of a message that was taken for everyone. */
export function acceptedDelivery(id: string, message: Message): Delivery {
  return { id, recipients: recipientsOf(message).map(({ address }) => ({ address, outcome: 'accepted' })) }
}
