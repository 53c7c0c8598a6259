import { AssertionError } from 'node:assert'

/** Waits until `probe` answers true, asking again and again; throws after `ms` milliseconds, saying what never came. */
export async function eventually(what: string, probe: () => boolean | Promise<boolean>, ms = 30_000): Promise<void> {
  const end = performance.now() + ms
  while (!(await probe())) {
    if (performance.now() > end) throw new AssertionError({ message: `never came within ${ms} ms: ${what}` })
    await pause(15)
  }
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A promise that is settled from outside. */
export interface Latch {
  readonly opened: Promise<void>
  open(): void
}

/** Makes a latch: whoever awaits `opened` goes on when `open` is called. */
export function latch(): Latch {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
