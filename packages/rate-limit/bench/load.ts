import type { Charge } from './peers.js'

const KEYS = Array.from({ length: 1000 }, (_, i) => `user:${i}`)
const IN_FLIGHT = 50

/** Charges a thousand keys in turn, fifty charges in flight. */
export async function chargeInParallel(charge: Charge, ops: number): Promise<void> {
  let sent = 0
  const worker = async (): Promise<void> => {
    while (sent < ops) {
      sent += 1
      await charge(KEYS[sent % KEYS.length] ?? '')
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}

/** Charges a thousand keys in turn, one charge after the other. */
export async function chargeInTurn(charge: Charge, ops: number): Promise<void> {
  for (let i = 0; i < ops; i += 1) await charge(KEYS[i % KEYS.length] ?? '')
}

/** Charges one key, one charge after the other. */
export async function chargeOneKey(charge: Charge, ops: number): Promise<void> {
  for (let i = 0; i < ops; i += 1) await charge('user:1')
}

/** What a decision says, as peers say it. */
export function isAllowed({ allowed }: { readonly allowed: boolean }): boolean {
  return allowed
}
