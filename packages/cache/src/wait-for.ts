/** Resolves when `subscribe` calls back, after `timeoutMs`, or when the signal aborts: whichever comes first. Never rejects. */
export function waitFor(subscribe: (wake: () => void) => void, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, timeoutMs)
    timer.unref()
    signal?.addEventListener('abort', wake, { once: true })
    subscribe(wake)
  })
}
