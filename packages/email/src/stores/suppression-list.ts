import { createHash } from 'node:crypto'
import { addressKey } from '../message/address.js'
import type { EmailStore } from './email-store.js'

/** Why an address gets no mail. */
export type SuppressionReason = 'bounce' | 'complaint' | 'unsubscribe' | 'manual'

/**
 * Who gets no more mail, per message stream: an address that bounced hard, complained, or opted out.
 *
 * A mailer leaves these out before it sends. A list that cannot be asked suppresses nobody: the provider keeps its own.
 */
export interface SuppressionList {
  /** Why `address` is suppressed on `stream`, or `undefined` when it is not. */
  find(stream: string, address: string): Promise<SuppressionReason | undefined>
  add(stream: string, address: string, reason: SuppressionReason): Promise<void>
  remove(stream: string, address: string): Promise<void>
}

/** A suppression list in an {@link EmailStore}, addresses hashed. */
export function storedSuppressionList(store: EmailStore): SuppressionList {
  const keyOf = (stream: string, address: string): string =>
    `suppressed:${createHash('sha256')
      .update(`${stream}\n${addressKey(address)}`)
      .digest('base64url')}`
  return {
    async find(stream, address) {
      return (await store.get(keyOf(stream, address))) as SuppressionReason | undefined
    },
    add: (stream, address, reason) => store.set(keyOf(stream, address), reason),
    remove: (stream, address) => store.delete(keyOf(stream, address)),
  }
}
