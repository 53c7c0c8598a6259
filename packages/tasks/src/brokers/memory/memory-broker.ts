import type { TaskBroker, TaskRecord } from '../../broker.js'
import type { TaskMessage } from '../../message.js'

/** A broker in this process, with what tests need beside the contract. */
export interface MemoryBroker extends TaskBroker {
  /** Resolves when nothing runs and nothing that could run now waits. Tasks that are delayed, or without a worker, do not count. */
  drain(): Promise<void>
  /** Every task this broker still knows, oldest first: those that wait, run, have ended. */
  messages(filter?: { readonly task?: string }): readonly SpiedTask[]
  /** Does to this broker's workers what a dying process does: what they hold is delivered again, what they answer is lost. */
  crash(): void
  /** Another broker over the same tasks, as another process would have. */
  fork(): MemoryBroker
}

/** A task as a test sees it. */
export interface SpiedTask extends TaskRecord {
  readonly input: unknown
  readonly message: TaskMessage
}
