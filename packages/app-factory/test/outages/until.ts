import { setTimeout as pause } from 'node:timers/promises'

/** Asks again and again until `look` answers true; throws, with `what` was waited for, after 20 seconds. */
export async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`Waited 20 s, and never ${what}.`)
    await pause(20)
  }
}
