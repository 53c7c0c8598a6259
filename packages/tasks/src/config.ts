import { boolean, choice, group, integer, type Section, section, text } from '@plinth/config'
import {
  publicRedisRule,
  type RabbitmqSettings,
  type RedisSettings,
  rabbitmqGroup,
  redisGroup,
} from '@plinth/core/config'

/** What the environment says about background tasks. */
export interface TasksSettings {
  readonly enabled: boolean
  readonly required: boolean
  readonly broker: 'memory' | 'redis' | 'rabbitmq'
  readonly concurrency: number
  readonly enqueueWhenDown: 'throw' | 'buffer'
  /** With broker `memory`: the file that keeps its tasks, if there is one, and whether each write waits for the disk. */
  readonly memory: { readonly journal: string | undefined; readonly journalSync: boolean } | undefined
  /** With broker `redis`. */
  readonly redis: RedisSettings | undefined
  /** With broker `rabbitmq`. */
  readonly rabbitmq: RabbitmqSettings | undefined
}

/** The variables of background tasks. */
export const tasksSection: Section<TasksSettings> = section({
  title: 'Tasks',
  about: 'Work that is done later, elsewhere, and not lost.',
  switch: 'TASKS_ENABLED',
  prefixes: ['TASKS_'],
  fields: {
    required: boolean('TASKS_REQUIRED', {
      meaning: 'Whether the app neither starts nor counts as ready while the broker is away.',
      default: false,
    }),
    broker: choice('TASKS_BROKER', ['memory', 'redis', 'rabbitmq'], {
      meaning: 'Where tasks wait.',
      default: 'memory',
      misnomers: ['TASKS_BACKEND', 'TASKS_DRIVER', 'TASKS_TRANSPORT'],
    }),
    concurrency: integer('TASKS_CONCURRENCY', {
      meaning: 'How many tasks a worker runs at once.',
      default: 10,
      min: 1,
      max: 10_000,
      unit: 'tasks',
    }),
    enqueueWhenDown: choice('TASKS_ENQUEUE_WHEN_DOWN', ['throw', 'buffer'], {
      meaning:
        'What an enqueue does while the broker is away: fail at once, or wait in this process, within bounds (lost when it dies).',
      default: 'throw',
    }),
    memory: group({
      when: { broker: ['memory'] },
      fields: {
        journal: text('TASKS_MEMORY_JOURNAL', {
          meaning:
            'A file in which tasks are written down, so that they survive the death of the process. One process has it at a time; its directory must exist.',
          example: '/var/lib/app/tasks.journal',
        }),
        journalSync: boolean('TASKS_MEMORY_JOURNAL_SYNC', {
          meaning:
            'Whether what TASKS_MEMORY_JOURNAL confirmed survives a power cut, too: every write then waits for the disk.',
          default: false,
        }),
      },
    }),
    redis: redisGroup({ of: 'the tasks', prefix: 'TASKS', db: 3, when: { broker: ['redis'] } }),
    rabbitmq: rabbitmqGroup({ of: 'the tasks', prefix: 'TASKS', when: { broker: ['rabbitmq'] } }),
  },
  rules: [
    publicRedisRule('TASKS'),
    {
      id: 'prod-tasks-memory',
      severity: 'warning',
      variables: ['TASKS_BROKER'],
      problem: 'is memory: tasks that wait or run are lost when the process ends',
      remedy: 'Set TASKS_BROKER to redis or rabbitmq, or TASKS_MEMORY_JOURNAL to a file.',
      broken: ({ broker, memory }) => broker === 'memory' && memory?.journal === undefined,
    },
  ],
})
