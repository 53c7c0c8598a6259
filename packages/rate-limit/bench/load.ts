import type { Charge } from './peers.js'

const KEYS = Array.from({ length: 1000 }, (_, i) => `user:${i}`)

/** Charges a thousand keys in turn, `inFlight` charges at a time: 1 measures latency, more measure throughput. */
export function chargeKeys(inFlight: number): (charge: Charge, ops: number) => Promise<void> {
  return async (charge, ops) => {
    let sent = 0
    const worker = async (): Promise<void> => {
      while (sent < ops) {
        sent += 1
        await charge(KEYS[sent % KEYS.length] ?? '')
      }
    }
    await Promise.all(Array.from({ length: inFlight }, worker))
  }
}

/** Charges one key, one charge after the other. */
export async function chargeOneKey(charge: Charge, ops: number): Promise<void> {
  for (let i = 0; i < ops; i += 1) await charge('user:1')
}

/** What a decision says, as peers say it. */
export function isAllowed({ allowed }: { readonly allowed: boolean }): boolean {
  return allowed
}
