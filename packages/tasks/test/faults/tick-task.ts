import { defineTask, type Task } from '../../src/index.js'

/** A task for schedules that writes down the slot it runs for, such as `03-30T01:30`, in UTC. */
export function tickTask(slots: string[]): Task<undefined, void> {
  return defineTask({
    name: 'tick',
    run: (_: undefined, context) => {
      const slot = Number.parseInt(context.id.split('.').at(-1) ?? '', 36)
      slots.push(new Date(slot).toISOString().slice(5, 16))
    },
  })
}
