import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordState } from '../../src/broker.js'
import { EnqueueUnknownError, type Task, type Tasks } from '../../src/index.js'
import type { Work } from './work.js'

/** Enqueues every input until it is confirmed, whatever happens to the broker meanwhile; answers the ids in order. */
export async function submit(
  tasks: Tasks,
  task: Task<Work, void>,
  inputs: readonly Work[],
): Promise<readonly string[]> {
  const ids = new Array<string>(inputs.length)
  let open = inputs.map((input, index) => ({ index, input, id: undefined as string | undefined }))
  while (open.length > 0) {
    const batch = open.map(({ input, id }) => (id === undefined ? { input } : { input, options: { id } }))
    const answers = await tasks.enqueueMany(task, batch).catch(() => undefined)
    const left: typeof open = []
    for (const [at, one] of open.entries()) {
      const answer = answers?.[at]
      if (answer?.handle !== undefined) ids[one.index] = answer.handle.id
      // What may be stored is sent again under its id; what is certainly not stored may take another.
      else left.push(answer?.error instanceof EnqueueUnknownError ? { ...one, id: answer.error.id } : one)
    }
    open = left
    if (open.length > 0) await sleep(100)
  }
  return ids
}

/** Waits until every task has ended, and answers how; an outage of the broker is waited for too. */
export async function ends(
  tasks: Tasks,
  task: Task<Work, void>,
  ids: readonly string[],
  withinMs: number,
): Promise<ReadonlyMap<string, RecordState>> {
  const ended = new Map<string, RecordState>()
  const deadline = performance.now() + withinMs
  for (;;) {
    const open = ids.filter((id) => !ended.has(id))
    if (open.length === 0 || performance.now() > deadline) return ended
    for (let from = 0; from < open.length; from += 200) {
      const some = open.slice(from, from + 200)
      const states = await Promise.all(
        some.map((id) =>
          tasks
            .handle(task, id)
            .status()
            .catch(() => undefined),
        ),
      )
      for (const [index, id] of some.entries()) {
        const state = states[index]
        if (state === 'completed' || state === 'dead' || state === 'cancelled') ended.set(id, state)
      }
      if (states.every((state) => state === 'waiting' || state === 'unknown')) break // these come last
    }
    await sleep(250)
  }
}
