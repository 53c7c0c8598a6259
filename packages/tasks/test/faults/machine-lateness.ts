const TICK_MS = 50

/** By how many milliseconds in all this machine has called a timer late since it was asked to watch: time it gave to others. */
export function watchLateness(): { readonly lateMs: number; stop(): void } {
  let late = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    late += Math.max(0, now - last - TICK_MS)
    last = now
  }, TICK_MS)
  return {
    get lateMs() {
      return late
    },
    stop: () => clearInterval(timer),
  }
}
