import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until `holds` answers true; throws when it has not after `withinMs`. */
export async function eventually(holds: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`This did not become true within ${withinMs} ms: ${holds}`)
    await sleep(20)
  }
}
