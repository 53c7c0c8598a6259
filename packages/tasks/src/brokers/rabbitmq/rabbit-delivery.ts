import type { Delivery } from '../../broker.js'
import type { TaskMessage } from '../../message.js'
import type { Held } from './held.js'
import type { RabbitLedger } from './rabbit-ledger.js'
import type { RabbitView } from './rabbit-view.js'

/** What a delivery needs of its broker. */
interface DeliveryHost {
  readonly ledger: RabbitLedger
  readonly view: RabbitView
}

/** A message in the hands of a worker; what it remembers is written into the ledger. */
export class RabbitDelivery implements Delivery {
  readonly message: TaskMessage
  readonly attempt: number
  readonly suspect: boolean
  readonly #held: Held
  readonly #host: DeliveryHost

  constructor(held: Held, host: DeliveryHost) {
    const { message, made } = held.envelope
    this.message = message
    this.attempt = made + 1
    this.suspect = held.suspect
    this.#held = held
    this.#host = host
  }

  async progress(value: string): Promise<void> {
    this.#held.progress = value
  }

  async recall(key: string): Promise<string | undefined> {
    await this.#host.ledger.sync({})
    return this.#host.view.memo(this.message.id, key)
  }

  remember(key: string, value: string): Promise<void> {
    return this.#host.ledger.append({ t: 'memo', id: this.message.id, key, value })
  }
}
