import type { TaskRef } from './message.js'

/** The full form of a key: keys of different queues, tasks or kinds never meet, whatever text they are. */
export function dedupeScope(kind: 'i' | 'u' | 'd', message: TaskRef & { readonly task: string }, key: string): string {
  return `${kind}/${message.queue}/${message.task}/${key}`
}
