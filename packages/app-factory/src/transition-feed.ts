import { type ComponentTransition, type Logger, sanitizeError } from '@plinth/core'

/** Tells listeners of every transition; one that throws is logged, and keeps neither the others nor the component from going on. */
export class TransitionFeed {
  readonly #logger: Logger
  readonly #listeners = new Set<(transition: ComponentTransition) => void>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Adds a listener; the answer takes it off again. The same function may be added twice. */
  on(listener: (transition: ComponentTransition) => void): () => void {
    const own = (transition: ComponentTransition): void => listener(transition)
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }

  tell(transition: ComponentTransition): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(transition)
      } catch (error) {
        const { component, to } = transition
        this.#logger.error({ component, to, error: sanitizeError(error) }, 'a listener of transitions threw')
      }
    }
  }
}
