import type { Redis } from 'ioredis'

/** So many looks make the time of a {@link watchSilence}; one more, because the first answer may have been asked for just before. */
const LOOKS = 4

/**
 * Calls `onSilent` when a connection has owed answers for `silentMs` (a quarter more at most) and not a byte came; answers
 * what ends the watch.
 *
 * It looks from time to time, so that commands pay nothing for it: the two timers with which ioredis does the same for
 * each command (`commandTimeout`, `socketTimeout`) cost more than sending it. It counts looks and not time: a process
 * that was busy has not looked, and finds what came meanwhile. Its timer keeps no process alive.
 */
export function watchSilence(client: Redis, silentMs: number, onSilent: () => void): () => void {
  let bytesRead = 0
  let silentLooks = 0
  const look = (): void => {
    const { stream } = client as { readonly stream?: { readonly bytesRead: number } }
    const isSilent = client.commandQueue.length > 0 && stream?.bytesRead === bytesRead
    bytesRead = stream?.bytesRead ?? 0
    silentLooks = isSilent ? silentLooks + 1 : 0
    if (silentLooks <= LOOKS) return
    silentLooks = 0
    onSilent()
  }
  const timer = setInterval(look, Math.max(1, Math.ceil(silentMs / LOOKS))).unref()
  return () => clearInterval(timer)
}
