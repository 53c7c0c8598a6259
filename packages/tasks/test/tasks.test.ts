import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createTasks,
  defineTask,
  disabledTasks,
  memoryBroker,
  type TaskMiddleware,
  virtualClock,
} from '../src/index.js'

const greet = defineTask({
  name: 'greet',
  input: z.object({ name: z.string() }),
  run: (input) => `hello ${input.name}`,
})

describe('tasks on the memory broker', () => {
  test('a task runs once and answers its result', async () => {
    const tasks = createTasks({ broker: memoryBroker(), tasks: [greet] })
    await tasks.worker().start()
    const handle = await tasks.enqueue(greet, { name: 'Ada' })
    expect(await handle.result()).toBe('hello Ada')
    expect(await handle.status()).toBe('completed')
    await tasks.close()
  })

  test('a failing task is tried again after its backoff, and is dead after its last attempt', async () => {
    const clock = virtualClock()
    const starts: number[] = []
    const failing = defineTask({
      name: 'failing',
      retry: { attempts: 3, backoff: { type: 'exponential', first: '10s', jitter: 'none' } },
      run: () => {
        starts.push(clock.elapsed())
        throw new Error('no')
      },
    })
    const tasks = createTasks({ broker: memoryBroker({ clock }), tasks: [failing] })
    await tasks.worker().start()
    const handle = await tasks.enqueue(failing)
    await clock.advance('1m')
    expect(starts).toEqual([0, 10_000, 30_000])
    expect(await handle.status()).toBe('dead')
    expect((await tasks.dead.list()).map(({ id, reason, attempt }) => ({ id, reason, attempt }))).toEqual([
      { id: handle.id, reason: 'attempts', attempt: 3 },
    ])
    expect(await tasks.dead.replay(handle.id)).toEqual({ replayed: [handle.id], dryRun: false })
    await clock.advance('1m')
    expect(starts).toHaveLength(6)
    await tasks.close()
  })

  test('an input that does not fit is refused before anything is enqueued', async () => {
    const broker = memoryBroker()
    const tasks = createTasks({ broker, tasks: [greet] })
    await expect(tasks.enqueue(greet, { name: 1 as unknown as string })).rejects.toMatchObject({
      code: 'TASK_INVALID_INPUT',
    })
    expect(broker.messages()).toEqual([])
  })

  test('a task that began in time does not expire while it waits for its next attempt', async () => {
    const clock = virtualClock()
    const flaky = defineTask({
      name: 'flaky',
      retry: { backoff: { type: 'fixed', delay: '1h' } },
      run: (_: undefined, { attempt }) => {
        if (attempt === 1) throw new Error('no')
        return 'in the end'
      },
    })
    const tasks = createTasks({ broker: memoryBroker({ clock }), tasks: [flaky] })
    await tasks.worker().start()
    const handle = await tasks.enqueue(flaky, undefined, { expires: '1m' })
    await clock.advance('2h')
    expect(await handle.result()).toBe('in the end')
    await tasks.close()
  })

  test('dead letters come oldest first, whichever queue they died in', async () => {
    const clock = virtualClock()
    const dying = (name: string) =>
      defineTask({
        ...{ name, queue: name, retry: { attempts: 1 } },
        run: () => {
          throw new Error('no')
        },
      })
    const [late, early] = [dying('late'), dying('early')]
    const tasks = createTasks({ broker: memoryBroker({ clock }), tasks: [late, early] })
    await tasks.worker().start()
    await tasks.enqueue(late, undefined, { delay: '2m' })
    const first = await tasks.enqueue(early, undefined, { delay: '1m' })
    await clock.advance('3m')
    expect((await tasks.dead.list()).map(({ task }) => task)).toEqual(['early', 'late'])
    expect((await tasks.dead.replay({}, { limit: 1 })).replayed).toEqual([first.id])
    await tasks.close()
  })

  test('slots go through the middleware, and one that is refused there keeps no other schedule waiting', async () => {
    const clock = virtualClock()
    const ran: (string | undefined)[] = []
    const beat = defineTask({ name: 'beat', run: () => {} })
    const wrap: TaskMiddleware = {
      enqueue: (message, next) => {
        if (message.headers?.of === 'bad') throw new Error('not this one')
        return next({ ...message, headers: { trace: 'abc' } })
      },
      run: ({ message }, next) => {
        ran.push(message.headers?.trace)
        return next()
      },
    }
    const tasks = createTasks({ broker: memoryBroker({ clock }), tasks: [beat], middleware: [wrap] })
    tasks.schedule('bad', { every: '1m' }, beat, undefined, { headers: { of: 'bad' } })
    tasks.schedule('good', { every: '1m' }, beat)
    await tasks.worker().start()
    await clock.advance('3m')
    expect(ran).toEqual(['abc', 'abc', 'abc'])
    await tasks.admin.runSchedule('good')
    await clock.advance('1s')
    expect(ran).toHaveLength(4)
    await tasks.close()
  })

  test('of a batch whose middleware refuses one task the others are enqueued, and each is answered for', async () => {
    const wrap: TaskMiddleware = {
      enqueue: async (message, next) => {
        if (message.input === 13) throw new Error('unlucky')
        return next(message)
      },
    }
    const take = defineTask({ name: 'take', run: (n: number) => n })
    const broker = memoryBroker()
    const tasks = createTasks({ broker, tasks: [take], middleware: [wrap] })
    const answers = await tasks.enqueueMany(take, [{ input: 1 }, { input: 13 }, { input: 2 }])
    expect(answers.map(({ error }) => error?.message)).toEqual([undefined, 'unlucky', undefined])
    expect(broker.messages()).toHaveLength(2)
    await tasks.close()
  })

  test('tasks that were closed take nothing more, and say so', async () => {
    const take = defineTask({ name: 'take', run: () => {} })
    const broker = memoryBroker()
    const tasks = createTasks({ broker, tasks: [take] })
    await tasks.close()
    await expect(tasks.enqueue(take)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', reason: 'closed' })
    expect(() => tasks.worker()).toThrow('are closed')
    expect(broker.messages()).toEqual([])
  })

  test('a step whose answer cannot be remembered is not done again, and progress that is no JSON is refused by name', async () => {
    let charges = 0
    const charge = defineTask({
      name: 'charge',
      run: async (_: undefined, context) => {
        await expect(context.progress(1n)).rejects.toMatchObject({ code: 'TASK_INVALID_INPUT' })
        await context.once('charge', () => BigInt(++charges))
      },
    })
    const tasks = createTasks({ broker: memoryBroker(), tasks: [charge] })
    await tasks.worker().start()
    const handle = await tasks.enqueue(charge)
    await expect(handle.result()).rejects.toMatchObject({ reason: 'non-retryable' })
    expect(charges).toBe(1)
    await tasks.close()
  })

  test('a schedule enqueues its task at each of its slots', async () => {
    const clock = virtualClock(new Date('2025-03-01T10:59:30Z'))
    const slots: number[] = []
    const hourly = defineTask({ name: 'hourly', run: () => void slots.push(clock.now()) })
    const tasks = createTasks({ broker: memoryBroker({ clock }), tasks: [hourly] })
    tasks.schedule('on-the-hour', { cron: '0 * * * *' }, hourly)
    await tasks.worker().start()
    await clock.advance('2h')
    expect(slots.map((slot) => new Date(slot).toISOString())).toEqual([
      '2025-03-01T11:00:00.000Z',
      '2025-03-01T12:00:00.000Z',
    ])
    await tasks.close()
  })
})

describe('definitions that are mistaken', () => {
  test('two tasks of one name, and two schedules of one name, are refused', () => {
    const other = defineTask({ name: 'greet', run: () => {} })
    const code = 'TASK_DEFINITION'
    expect(() => createTasks({ broker: memoryBroker(), tasks: [greet, other] })).toThrow(
      expect.objectContaining({ code }),
    )
    const tasks = createTasks({ broker: memoryBroker(), tasks: [greet] })
    tasks.schedule('daily', { cron: '0 3 * * *' }, greet, { name: 'Ada' })
    expect(() => tasks.schedule('daily', { every: '1h' }, greet, { name: 'Bob' })).toThrow(
      expect.objectContaining({ code }),
    )
  })

  test.each([
    'nonsense',
    '',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '0 0 0 * *',
    '0 0 * 13 *',
    '*/0 * * * *',
    '5-1 * * * *',
    '0 0 30 2 *',
    '* * * * * * * *',
  ])('the cron text %j is refused where it is given', (cron) => {
    const tasks = createTasks({ broker: memoryBroker(), tasks: [greet] })
    expect(() => tasks.schedule('x', { cron }, greet, { name: 'Ada' })).toThrow(
      expect.objectContaining({ code: 'TASK_DEFINITION' }),
    )
  })

  test('a time zone that does not exist is refused where it is given', () => {
    const tasks = createTasks({ broker: memoryBroker(), tasks: [greet] })
    expect(() => tasks.schedule('x', { cron: '0 3 * * *', timezone: 'Mars/Olympus' }, greet, { name: 'Ada' })).toThrow(
      expect.objectContaining({ code: 'TASK_DEFINITION' }),
    )
  })
})

describe('tasks that are switched off', () => {
  test('an enqueue answers a handle that is disabled, and says so once', async () => {
    const lines: string[] = []
    const say = (_facts: unknown, message: string): void => void lines.push(message)
    const tasks = disabledTasks({ logger: { debug: say, info: say, warn: say, error: say } })
    const handle = await tasks.enqueue(greet, { name: 'Ada' })
    await tasks.enqueue(greet, { name: 'Bob' })
    expect(await handle.status()).toBe('disabled')
    await expect(handle.result()).rejects.toMatchObject({ code: 'TASKS_DISABLED' })
    expect(lines).toHaveLength(1)
  })
})
