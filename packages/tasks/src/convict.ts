import type { Outcome } from './outcome.js'

/** The end of a task that is not started once more, because it brought down its process `crashes` times while running alone. */
export function convict(task: string, crashes: number): Extract<Outcome, { readonly kind: 'dead' }> {
  const message = `Task "${task}" brought down its process ${crashes} times while running alone.`
  return { kind: 'dead', reason: 'crash', failure: { name: 'Crash', message } }
}
