import type { Closable } from './closable.js'

/** Registers a part to be closed with the whole, and hands it back. */
export type Own = <Part extends Closable>(part: Part) => Part

/** A whole, and the one call that closes everything it was built from. */
export interface Assembly<Whole> extends Closable {
  readonly whole: Whole
}

/**
 * Builds a whole from parts that must be closed: last owned, first closed.
 *
 * When `build` fails half way, the parts it already owned are closed before its error is passed on.
 * Every part is tried; the failures of closing come as one `AggregateError`.
 */
export async function assemble<Whole>(build: (own: Own) => Promise<Whole>): Promise<Assembly<Whole>> {
  const parts: Closable[] = []
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= closeInReverse(parts)
    return closing
  }
  try {
    const whole = await build((part) => {
      parts.push(part)
      return part
    })
    return { whole, close }
  } catch (error) {
    await close().catch(() => {}) // why it could not start matters more
    throw error
  }
}

async function closeInReverse(parts: readonly Closable[]): Promise<void> {
  const failures: unknown[] = []
  for (const part of parts.toReversed()) {
    try {
      await part.close()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} part(s) failed to close`)
}
