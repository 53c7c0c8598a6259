import { createHook } from 'node:async_hooks'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What many cycles of making and closing have left behind. */
export interface Growth {
  /** Kinds of handles, and how many more of them there are than after the first half. */
  readonly handles: Readonly<Record<string, number>>
  /** Where each timer that is neither over nor cleared was made, those included that keep no process alive. */
  readonly timers: readonly string[]
  /** By how many the listeners on this process have grown. */
  readonly listeners: number
  /** By how much the heap has grown over the second half, after a garbage collection, in megabytes. */
  readonly heapMb: number
}

/** How {@link growthOver} waits. */
export interface GrowthOptions {
  /** How long what closes by itself may take, such as a socket whose other end is slow to say goodbye. Default 30 000 ms. */
  readonly settleMs?: number
}

/**
 * Runs `cycle` so many times, and answers what is there after the second half that was not there after the first.
 *
 * After each half it waits until everything is gone that was made in it: what is answered is what stays.
 */
export async function growthOver(
  cycles: number,
  cycle: (number: number) => Promise<void>,
  { settleMs = 30_000 }: GrowthOptions = {},
): Promise<Growth> {
  const timers = new LiveTimers()
  const half = async (from: number, to: number): Promise<void> => {
    for (let number = from; number < to; number += 1) await cycle(number)
  }
  const unloaded = countHandles()
  timers.open()
  try {
    const middle = Math.floor(cycles / 2)
    await half(0, middle)
    await settled(timers, unloaded, settleMs)
    const before = { handles: countHandles(), listeners: countListeners(), heap: heapUsed() }
    await half(middle, cycles)
    await settled(timers, before.handles, settleMs)
    return {
      handles: more(countHandles(), before.handles),
      timers: timers.origins,
      listeners: countListeners() - before.listeners,
      heapMb: (heapUsed() - before.heap) / 1024 / 1024,
    }
  } finally {
    timers.close()
  }
}

async function settled(timers: LiveTimers, handles: ReadonlyMap<string, number>, settleMs: number): Promise<void> {
  const end = performance.now() + settleMs
  const isQuiet = (): boolean => timers.origins.length === 0 && Object.keys(more(countHandles(), handles)).length === 0
  for (;;) {
    await nextTurn() // a timer that has just fired is told of as gone in the turn after
    await nextTurn()
    if (isQuiet() || performance.now() > end) return
    await pause(50)
  }
}

/** Timers that were made since {@link LiveTimers.open}, and are neither over nor cleared. */
class LiveTimers {
  readonly #made = new Map<number, string>()
  readonly #hook = createHook({
    init: (id, type) => {
      if (type === 'Timeout') this.#made.set(id, callerOf(new Error('a timer').stack))
    },
    destroy: (id) => {
      this.#made.delete(id)
    },
  })

  open(): void {
    this.#hook.enable()
  }

  close(): void {
    this.#hook.disable()
  }

  get origins(): readonly string[] {
    return [...this.#made.values()]
  }
}

function callerOf(stack = ''): string {
  const frames = stack.split('\n').filter((line) => line.startsWith('    at ') && !line.includes('(node:'))
  return frames
    .slice(1, 5)
    .map((line) => line.trim())
    .join(' ')
}

function countHandles(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

function more(now: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): Record<string, number> {
  const kinds = [...now].map(([kind, count]) => [kind, count - (before.get(kind) ?? 0)] as const)
  return Object.fromEntries(kinds.filter(([, count]) => count > 0))
}

function countListeners(): number {
  return process.eventNames().reduce((sum, event) => sum + process.listenerCount(event), 0)
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  collectGarbage()
  return process.memoryUsage().heapUsed
}
