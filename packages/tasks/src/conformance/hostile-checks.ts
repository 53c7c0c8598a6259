import assert from 'node:assert/strict'
import type { Check } from '@plinth/core/checks'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { defineTask } from '../define-task.js'
import { eventually } from './eventually.js'
import { type TaskBrokerFixture, withProcesses } from './fixture.js'

/** Bad input, wherever it comes from: a typed error or a dead letter, nothing stuck, neighbours unharmed. */
export const hostileChecks: readonly Check<TaskBrokerFixture>[] = [
  {
    name: 'what a handler throws or answers never sticks: undefined, a text, an object, a BigInt',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const odd = defineTask({
          name: 'odd',
          retry: { attempts: 1 },
          run: (how: string): unknown => {
            if (how === 'bigint') return 1n
            throw how === 'text' ? 'a text' : how === 'object' ? { toString: null } : undefined
          },
        })
        const { tasks } = start([odd])
        await tasks.worker().start()
        for (const how of ['undefined', 'text', 'object']) {
          await assert.rejects((await tasks.enqueue(odd, how)).result(), { reason: 'attempts' })
        }
        await assert.rejects((await tasks.enqueue(odd, 'bigint')).result(), { reason: 'non-retryable' })
      }),
  },
  {
    name: 'an input that a worker finds invalid makes the task dead without an attempt',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let runs = 0
        const loose = defineTask({ name: 'strict', run: (_: unknown) => {} })
        const strict = defineTask({ name: 'strict', input: onlyNumbers, run: () => void ++runs })
        await start([strict]).tasks.worker().start()
        const producer = start([loose]).tasks
        const handle = await producer.enqueue(loose, 'no number')
        await assert.rejects(handle.result(), { code: 'TASK_FAILED', reason: 'invalid-payload' })
        assert.equal(runs, 0)
        const [letter] = await producer.dead.list()
        assert.equal(letter?.attempt, 0)
        assert.equal(letter.input, 'no number')
      }),
  },
  {
    name: 'an input that cannot be stored is refused where it is enqueued, and its neighbours are not',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const take = defineTask({ name: 'take', run: (_: unknown) => 'taken' })
        const { tasks, broker } = start([take])
        await tasks.worker().start()
        const large = 'x'.repeat(Math.max(10 * 1024 ** 2, broker.capabilities.largestMessageBytes + 1))
        const answers = await tasks.enqueueMany(take, [{ input: { large } }, { input: 1n }, { input: 'fine' }])
        const codes = answers.map(({ error }) => (error as { code?: string } | undefined)?.code)
        assert.deepEqual(codes, ['TASK_PAYLOAD_TOO_LARGE', 'TASK_INVALID_INPUT', undefined])
        assert.equal(await answers[2]?.handle?.result(), 'taken')
        await assert.rejects(tasks.enqueue(take, { large }), { code: 'TASK_PAYLOAD_TOO_LARGE' })
      }),
  },
  {
    name: 'headers that are too large are refused where they are given, smaller ones travel with the task',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        const seen: (string | undefined)[] = []
        const take = defineTask({ name: 'take', run: () => 'taken' })
        const { tasks } = start([take], {
          middleware: [
            {
              run: (run, next) => {
                seen.push(run.message.headers?.trace)
                return next()
              },
            },
          ],
        })
        await tasks.worker().start()
        const headers = { trace: 'x'.repeat(300 * 1024) }
        await assert.rejects(tasks.enqueue(take, undefined, { headers }), { code: 'TASK_PAYLOAD_TOO_LARGE' })
        const handle = await tasks.enqueue(take, undefined, { headers: { trace: 'abc' } })
        assert.equal(await handle.result(), 'taken')
        assert.deepEqual(seen, ['abc'])
      }),
  },
  {
    name: 'a result that is too large to be stored makes its task dead, and nobody else waits for it',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        let runs = 0
        const { capabilities } = start([]).broker
        const grow = defineTask({
          name: 'grow',
          run: (length: number) => {
            runs += 1
            return 'x'.repeat(length)
          },
        })
        const { tasks } = start([grow])
        await tasks.worker().start()
        const large = await tasks.enqueue(grow, capabilities.largestMessageBytes + 1)
        const small = await tasks.enqueue(grow, 3)
        await assert.rejects(large.result(), { code: 'TASK_FAILED', reason: 'non-retryable' })
        assert.equal(await small.result(), 'xxx')
        assert.equal(runs, 2)
      }),
  },
  {
    name: 'what is no task, or no JSON, where tasks wait becomes a dead letter, and its neighbours run',
    run: (fixture) =>
      withProcesses(fixture, async (start) => {
        if (fixture.plant === undefined) return
        const work = defineTask({ name: 'work', run: (n: number) => n })
        const { tasks } = start([work])
        const before = await tasks.enqueue(work, 1)
        await fixture.plant('default', '{"input":')
        const after = await tasks.enqueue(work, 2)
        await tasks.worker().start()
        assert.deepEqual([await before.result(), await after.result()], [1, 2])
        await eventually('a dead letter', async () => (await tasks.dead.list()).length === 1)
        const [letter] = await tasks.dead.list()
        assert.equal(letter?.reason, 'invalid-payload')
        assert.equal(await tasks.dead.discard(letter.id), true)
        assert.equal(await (await tasks.enqueue(work, 3)).result(), 3)
      }),
  },
]

const onlyNumbers: StandardSchemaV1<number> = {
  '~standard': {
    version: 1,
    vendor: 'plinth-checks',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'must be a number' }] }),
  },
}
