import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'

/** Every place in which a person or a machine could read what the app knows. */
export type Sink = 'log' | 'console' | 'channel' | 'error' | 'health' | 'status' | 'inspect' | 'answer'

const EVENTS = [
  'plinth:component:transition',
  ...['hit', 'miss', 'fill', 'refused', 'invalidate', 'failure'].map((event) => `plinth:cache:${event}`),
  ...['denied', 'near-limit', 'degraded', 'recovered'].map((event) => `plinth:rate-limit:${event}`),
  ...['enqueue', 'start', 'settle'].map((event) => `plinth:tasks:${event}`),
]
const TRACES = ['plinth:rate-limit:ask', 'plinth:email:send'].flatMap((name) =>
  ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((part) => `tracing:${name}:${part}`),
)
const CONSOLE = ['log', 'info', 'warn', 'error', 'debug'] as const

/** Looks for a planted secret in everything that comes past, in every form in which it could be read. */
export class Sinks {
  readonly #secret: string
  readonly #leaks: string[] = []
  readonly #seen = new Map<Sink, number>()
  readonly #undo: (() => void)[] = []

  constructor(secret: string) {
    this.#secret = secret
  }

  /** Listens on the console and on the diagnostics channels, until {@link Sinks.close}. */
  open(): void {
    for (const name of [...EVENTS, ...TRACES]) {
      const listen = (message: unknown): void => this.look('channel', message)
      subscribe(name, listen)
      this.#undo.push(() => unsubscribe(name, listen))
    }
    for (const method of CONSOLE) {
      const original = console[method]
      console[method] = (...args: unknown[]): void => this.look('console', args)
      this.#undo.push(() => {
        console[method] = original
      })
    }
  }

  close(): void {
    for (const undo of this.#undo.splice(0)) undo()
  }

  /** Searches `value` as a logger, a template, `console.log` or a debugger would show it. */
  look(sink: Sink, value: unknown): void {
    this.#seen.set(sink, (this.#seen.get(sink) ?? 0) + 1)
    for (const text of formsOf(value)) {
      const at = text.indexOf(this.#secret)
      if (at >= 0) this.#leaks.push(`${sink}: ${text.slice(Math.max(0, at - 80), at)}[SECRET]`)
    }
  }

  /** Where the secret was seen; must be empty. */
  get leaks(): readonly string[] {
    return this.#leaks
  }

  /** Which sinks something came past: a search of nothing proves nothing. */
  get searched(): readonly Sink[] {
    return [...this.#seen.keys()].toSorted()
  }
}

function formsOf(value: unknown): readonly string[] {
  const shown = inspect(value, {
    depth: 8,
    showHidden: true,
    getters: true,
    maxStringLength: null,
    maxArrayLength: null,
  })
  return [
    shown,
    json(value),
    typeof value === 'object' ? '' : String(value),
    value instanceof Error ? String(value) : '',
  ]
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return '' // what refers to itself is no JSON for anybody
  }
}
