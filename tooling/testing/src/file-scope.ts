const closers: (() => unknown)[] = []

/** Has `close` called when the running test file is over; last registered, first called. */
export function closeWithFile(close: () => unknown): void {
  closers.unshift(close)
}

/** Calls everything that {@link closeWithFile} was given and forgets it. Every one is called; the first failure is thrown. */
export async function closeFileScope(): Promise<void> {
  const errors: unknown[] = []
  for (const close of closers.splice(0)) {
    try {
      await close()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
