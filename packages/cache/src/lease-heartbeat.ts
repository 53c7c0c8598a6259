import type { Lease } from './cache-backend.js'

/** How long a computation holds its key without a sign of life; after that, another process takes over. Milliseconds. */
export const LEASE_MS = 1_500

/** Renews a lease of {@link LEASE_MS} until the function that it answers is called. Keeps no process alive. */
export function keepLease(lease: Lease): () => void {
  const heartbeat = setInterval(() => void lease.renew(LEASE_MS).catch(() => {}), LEASE_MS / 3)
  heartbeat.unref()
  return () => clearInterval(heartbeat)
}
