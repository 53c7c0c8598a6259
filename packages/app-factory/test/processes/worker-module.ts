// What `plinth worker` is pointed at: tasks that tell in lines of JSON what they do, and what they found as deps.
import { defineTask } from '@plinth/tasks'

const tell = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`)

export const deps = { greeting: 'Hello' }

export const slow = defineTask<{ readonly name: string }, string, typeof deps>({
  name: 'slow',
  async run({ name }, context) {
    tell({ started: name })
    await new Promise((resolve) => setTimeout(resolve, 1000))
    tell({ finished: name })
    return `${context.deps.greeting} ${name}`
  },
})

export const tasks = [slow]
