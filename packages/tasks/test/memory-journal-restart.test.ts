import { statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { eventually } from '../src/conformance/eventually.js'
import { defineTask, NonRetryableError } from '../src/index.js'
import { afterKill, freshPath, processOn } from './journal-files.js'

const never = (): Promise<void> => new Promise<void>(() => {})
const note = defineTask({ name: 'note', run: (text: string) => `read ${text}` })
const waits = defineTask({ name: 'note', run: never })

describe('what a memory broker with a journal confirmed is there after a kill', () => {
  test('tasks that wait, with their inputs, lanes and order', async () => {
    const path = freshPath()
    await using before = processOn(path, [note])
    const handles = await Promise.all(['a', 'b', 'c'].map((text) => before.tasks.enqueue(note, text)))
    await before.tasks.enqueue(note, 'first', { priority: 'high', headers: { traceparent: '00' } })

    await using after = processOn(afterKill(path), [note])
    await after.broker.open()
    expect(after.broker.messages().map(({ input, lane }) => [input, lane])).toEqual([
      ['a', 'normal'],
      ['b', 'normal'],
      ['c', 'normal'],
      ['first', 'high'],
    ])
    expect(after.broker.messages()[3]?.message.headers).toEqual({ traceparent: '00' })
    await after.tasks.worker().start()
    for (const [index, { id }] of handles.entries()) {
      expect(await after.tasks.handle(note, id).result({ timeout: '30s' })).toBe(`read ${'abc'[index]}`)
    }
  })

  test('a delayed task comes at its time, neither before nor never', async () => {
    const path = freshPath()
    await using before = processOn(path, [note])
    const due = Date.now() + 700
    const soon = await before.tasks.enqueue(note, 'soon', { delay: 700 })
    const later = await before.tasks.enqueue(note, 'later', { delay: '1h' })

    await using after = processOn(afterKill(path), [note])
    await after.tasks.worker().start()
    await after.tasks.handle(note, soon.id).result({ timeout: '30s' })
    expect(Date.now()).toBeGreaterThanOrEqual(due)
    expect(await after.tasks.handle(note, later.id).status()).toBe('delayed')
  })

  test('results, dead letters, cancellations and replays', async () => {
    const path = freshPath()
    const bad = defineTask({
      name: 'bad',
      run: (_: string) => {
        throw new NonRetryableError('no')
      },
    })
    await using before = processOn(path, [note, bad])
    await before.tasks.worker().start()
    const done = await before.tasks.enqueue(note, 'x')
    await done.result({ timeout: '30s' })
    const cancelled = await before.tasks.enqueue(note, 'y', { delay: '1h' })
    await cancelled.cancel('changed my mind')
    const dead = await before.tasks.enqueueMany(
      bad,
      ['kept', 'replayed', 'discarded'].map((input) => ({ input })),
    )
    const ids = dead.map((answer) => answer.handle?.id ?? '')
    await eventually('three are dead', async () => (await before.tasks.dead.list()).length === 3)
    await before.tasks.admin.pause('default')
    await before.tasks.dead.replay(ids[1] ?? '')
    await before.tasks.dead.discard(ids[2] ?? '')

    await using after = processOn(afterKill(path), [note, bad])
    expect(await after.tasks.handle(note, done.id).result()).toBe('read x')
    expect(await after.tasks.handle(note, cancelled.id).status()).toBe('cancelled')
    expect((await after.tasks.dead.list()).map(({ id, reason, input }) => [id, reason, input])).toEqual([
      [ids[0], 'non-retryable', 'kept'],
    ])
    expect(await after.tasks.handle(bad, ids[1] ?? '').status()).toBe('waiting')
    expect(await after.tasks.handle(bad, ids[2] ?? '').status()).toBe('unknown')
  })

  test('a paused queue is paused, a resumed one is not', async () => {
    const path = freshPath()
    await using before = processOn(path, [note])
    await before.tasks.admin.pause('default')
    await before.broker.pause('other', {})
    await before.broker.resume('other', {})

    await using after = processOn(afterKill(path), [note])
    await after.tasks.worker().start()
    const held = await after.tasks.enqueue(note, 'x')
    expect(await after.broker.paused('default', {})).toBe(true)
    expect(await after.broker.paused('other', {})).toBe(false)
    expect(await held.status()).toBe('waiting')
    await after.tasks.admin.resume('default')
    await held.result({ timeout: '30s' })
  })

  test('keys hold: idempotency after the end, unique until the end, debounce until the start', async () => {
    const path = freshPath()
    const brief = defineTask({ name: 'brief', keep: { result: 0 }, run: (_: string) => {} })
    await using before = processOn(path, [note, brief])
    const worker = before.tasks.worker()
    await worker.start()
    const once = await before.tasks.enqueue(brief, 'x', { idempotencyKey: 'k' })
    await eventually('it is forgotten', async () => (await once.status()) === 'unknown')
    await worker.close()
    const unique = await before.tasks.enqueue(note, 'u', { unique: 'k' })
    const debounced = await before.tasks.enqueue(note, 'd', { debounce: { key: 'k', wait: '1h' } })

    await using after = processOn(afterKill(path), [note, brief])
    const again = await after.tasks.enqueue(brief, 'x', { idempotencyKey: 'k' })
    expect([again.id, again.deduplicated]).toEqual([once.id, true])
    expect((await after.tasks.enqueue(note, 'u', { unique: 'k' })).id).toBe(unique.id)
    const newer = await after.tasks.enqueue(note, 'd2', { debounce: { key: 'k', wait: '1h' } })
    expect(newer.deduplicated).toBe(false)
    expect(await after.tasks.handle(note, debounced.id).status()).toBe('cancelled')
    await after.tasks.worker().start()
    await after.tasks.handle(note, unique.id).result({ timeout: '30s' })
    expect((await after.tasks.enqueue(note, 'u', { unique: 'k' })).deduplicated).toBe(false)
  })

  test('what a task remembers, its progress, and the attempts that count', async () => {
    const path = freshPath()
    let steps = 0
    const first = defineTask({
      name: 'steps',
      retry: { attempts: 5, backoff: () => 1 },
      run: async (_: undefined, context) => {
        await context.once('step', () => ++steps)
        if (context.attempt === 1) throw new Error('again')
        await context.progress({ half: true })
        await never()
      },
    })
    await using before = processOn(path, [first])
    await before.tasks.worker().start()
    const { id } = await before.tasks.enqueue(first)
    await eventually('half of it', async () => {
      const record = await before.broker.inspect({ id, queue: 'default' }, {})
      return record?.progress !== undefined
    })

    const seen: unknown[] = []
    const second = defineTask({
      name: 'steps',
      run: async (_: undefined, context) => {
        seen.push(context.attempt, await context.once('step', () => ++steps))
      },
    })
    await using after = processOn(afterKill(path), [second])
    expect((await after.broker.inspect({ id, queue: 'default' }, {}))?.progress).toEqual({ half: true })
    await after.tasks.worker().start()
    await after.tasks.handle(second, id).result({ timeout: '30s' })
    expect([seen, steps]).toEqual([[2, 1], 1])
  })

  test('what was running comes again as a suspect, alone, and the culprit is convicted after its crashes', async () => {
    let path = freshPath()
    const ids: string[] = []
    {
      await using before = processOn(path, [waits])
      const worker = before.tasks.worker({ concurrency: 3 })
      await worker.start()
      for (const text of ['a', 'b', 'c']) ids.push((await before.tasks.enqueue(waits, text)).id)
      await eventually('three run', () => worker.running === 3)
      path = afterKill(path)
    }
    for (let crash = 1; crash <= 2; crash += 1) {
      await using again = processOn(path, [waits])
      const worker = again.tasks.worker({ concurrency: 3, crashBudget: 2 })
      await worker.start()
      await eventually('one runs', () => worker.running === 1)
      expect((await again.broker.counts('default', {})).running).toBe(1)
      path = afterKill(path)
    }
    await using after = processOn(path, [note])
    await after.tasks.worker({ crashBudget: 2 }).start()
    await after.tasks.handle(note, ids[1] ?? '').result({ timeout: '30s' })
    await after.tasks.handle(note, ids[2] ?? '').result({ timeout: '30s' })
    expect((await after.tasks.dead.list()).map(({ id, reason, attempt }) => [id, reason, attempt])).toEqual([
      [ids[0], 'crash', 0],
    ])
  })

  test('a schedule goes on where it was: no slot comes twice, and its switch stays as it was set', async () => {
    const path = freshPath()
    const slots: string[] = []
    const beat = defineTask({ name: 'beat', run: (_: undefined, context) => void slots.push(context.id) })
    let copy: string
    {
      await using before = processOn(path, [beat])
      before.tasks.schedule('pulse', { every: '1s', missed: 'all' }, beat)
      before.tasks.schedule('off', { cron: '0 0 1 1 *' }, beat)
      await before.tasks.admin.pauseSchedule('off')
      await before.tasks.worker().start()
      await eventually('two slots', () => slots.length >= 2)
      before.broker.crash()
      await before.broker.drain()
      copy = afterKill(path)
    }
    const early = slots.length
    await using after = processOn(copy, [beat])
    after.tasks.schedule('pulse', { every: '1s', missed: 'all' }, beat)
    after.tasks.schedule('off', { cron: '0 0 1 1 *' }, beat)
    await after.tasks.worker().start()
    await eventually('two more slots', () => slots.length >= early + 2)
    expect(new Set(slots).size).toBe(slots.length)
    const times = slots.map((id) => Number.parseInt(id.split('.').at(-1) ?? '', 36) / 1000)
    expect(times).toEqual(times.map((_, index) => (times[0] ?? 0) + index)) // none is missing either
    expect((await after.tasks.admin.schedules()).find(({ name }) => name === 'off')?.paused).toBe(true)
  })

  test('the file stays small however much goes through it, and everything in it stays', async () => {
    const path = freshPath()
    const brief = defineTask({ name: 'brief', keep: { result: 0 }, run: (_: string) => {} })
    await using before = processOn(path, [note, brief])
    await before.tasks.worker({ concurrency: 500 }).start()
    const kept: string[] = []
    let largest = 0
    const pad = 'x'.repeat(2000)
    for (let batch = 0; batch < 20; batch += 1) {
      kept.push((await before.tasks.enqueue(note, `${batch}`, { delay: '1h' })).id)
      const answers = await before.tasks.enqueueMany(
        brief,
        Array.from({ length: 500 }, () => ({ input: pad })),
      )
      expect(answers.every(({ error }) => error === undefined)).toBe(true)
      await before.broker.drain()
      largest = Math.max(largest, statSync(path).size)
    }
    // 20 MB went through it; it is written anew beyond 4 MiB, while a batch or two more come in.
    expect(largest).toBeLessThan(10_000_000)

    await using after = processOn(afterKill(path), [note, brief])
    await after.broker.open()
    expect(after.broker.messages().map(({ id }) => id)).toEqual(kept)
  })

  test('a broker that is closed in order leaves everything for the next, forks and all', async () => {
    const path = freshPath()
    const first = processOn(path, [note])
    const { id } = await first.tasks.enqueue(note, 'x')
    const fork = first.broker.fork()
    expect(await fork.inspect({ id, queue: 'default' }, {})).toMatchObject({ state: 'waiting' })
    await first.tasks.close()
    expect(await fork.inspect({ id, queue: 'default' }, {})).toMatchObject({ state: 'waiting' })
    await fork.close()

    await using second = processOn(path, [note])
    await second.tasks.worker().start()
    expect(await second.tasks.handle(note, id).result({ timeout: '30s' })).toBe('read x')
  })
})
