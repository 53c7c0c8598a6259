import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BackendUnavailableError, MisconfiguredError } from '@plinth/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryElections } from '../src/brokers/memory/memory-elections.js'
import { MemoryHub } from '../src/brokers/memory/memory-hub.js'
import { readJournal } from '../src/brokers/memory-journal/read-journal.js'
import { defineTask, JournalCorruptError, JournalLockedError, memoryBroker, systemTaskClock } from '../src/index.js'
import { afterKill, freshPath, processOn } from './journal-files.js'

const limits = { maxTasks: 1000, maxEnded: 1000, maxPayloadBytes: 1_048_576 }
const note = defineTask({ name: 'note', run: (_: string) => {} })

/** The inputs in a journal, in order. */
async function inputsIn(path: string): Promise<readonly string[]> {
  const kept = { hub: new MemoryHub(systemTaskClock, limits), elections: new MemoryElections() }
  const image = await readJournal(path)
  image.restore(kept)
  return [...kept.hub.entries.values()].map(({ input }) => JSON.parse(input) as string)
}

/** A journal of four tasks, each in a line of its own. */
async function writtenJournal(): Promise<string> {
  const path = freshPath()
  await using before = processOn(path, [note])
  for (const text of ['a', 'b', 'line\nbreak ü', 'd']) await before.tasks.enqueue(note, text)
  return afterKill(path)
}

const ALL = ['a', 'b', 'line\nbreak ü', 'd']

describe('the file of a journal', () => {
  test('a write that was cut short anywhere costs what was in it, and nothing else', async () => {
    const bytes = readFileSync(await writtenJournal())
    const last = bytes.lastIndexOf('\n', bytes.length - 2) + 1
    const path = freshPath()
    for (let size = last; size <= bytes.length; size += 1) {
      writeFileSync(path, bytes.subarray(0, size))
      // Without its end a line is whole all the same.
      expect([size, await inputsIn(path)]).toEqual([size, size < bytes.length - 1 ? ALL.slice(0, 3) : ALL])
    }
  })

  test('after a write that was cut short the journal goes on, and is sound', async () => {
    const path = await writtenJournal()
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.subarray(0, bytes.length - 5))
    {
      await using after = processOn(path, [note])
      await after.tasks.enqueue(note, 'e')
    }
    expect(await inputsIn(path)).toEqual(['a', 'b', 'line\nbreak ü', 'e'])
  })

  test('any byte that changed is found, and the line that holds it is named', async () => {
    const bytes = readFileSync(await writtenJournal())
    const path = freshPath()
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 2), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const damaged = Buffer.from(bytes)
        damaged[at] = (bytes[at] ?? 0) ^ mask
        writeFileSync(path, damaged)
        const offset = at === 0 ? 0 : bytes.lastIndexOf('\n', at - 1) + 1
        await expect(readJournal(path)).rejects.toMatchObject({ code: 'TASK_JOURNAL_CORRUPT', path, offset })
      }),
      { numRuns: process.env.PLINTH_LONG === '1' ? 5000 : 300 },
    )
  })

  test('a damaged journal is refused, says what to do, is left as it is, and opens once that was done', async () => {
    const path = await writtenJournal()
    const bytes = readFileSync(path)
    const offset = bytes.indexOf('"b"')
    bytes[offset] = 0x21
    writeFileSync(path, bytes)
    const broker = memoryBroker({ journal: path })
    const error = await broker.open().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(JournalCorruptError)
    const line = bytes.lastIndexOf('\n', offset) + 1
    expect(error).toMatchObject({ path, offset: line, message: expect.stringContaining(`truncate -s ${line} ${path}`) })
    expect(broker.available).toBe(false)
    expect(readFileSync(path)).toEqual(bytes)
    writeFileSync(path, bytes.subarray(0, line))
    await broker.open()
    expect(broker.available).toBe(true)
    expect(broker.messages().map(({ input }) => input)).toEqual(['a'])
    await broker.close()
  })

  test('a file that is something else is refused, and not touched', async () => {
    for (const text of ['my novel', 'my\nnovel\n', '{"version":1}\n']) {
      const path = freshPath()
      writeFileSync(path, text)
      await expect(memoryBroker({ journal: path }).open()).rejects.toBeInstanceOf(JournalCorruptError)
      expect(readFileSync(path, 'utf8')).toBe(text)
    }
    await expect(memoryBroker({ journal: '/dev/null' }).open()).rejects.toThrow(MisconfiguredError)
  })

  test('an empty file is an empty journal', async () => {
    const path = freshPath()
    writeFileSync(path, '')
    await using one = processOn(path, [note])
    await one.tasks.enqueue(note, 'x')
    expect(await inputsIn(afterKill(path))).toEqual(['x'])
  })

  test('a path that cannot be written is a mistake in the configuration', async () => {
    const file = freshPath()
    writeFileSync(file, '')
    for (const path of [join(file, 'journal'), join(freshPath(), 'nowhere', 'journal')]) {
      await using one = processOn(path, [note])
      const error = await one.tasks.enqueue(note, 'x').catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(MisconfiguredError)
      expect(error).toMatchObject({ message: expect.stringContaining(path) })
    }
  })

  test('two brokers of one process do not share a journal, unless one is a fork of the other', async () => {
    const path = freshPath()
    await using one = processOn(path, [note])
    await one.broker.open()
    await using other = processOn(path, [note])
    await expect(other.broker.open()).rejects.toMatchObject({
      name: 'JournalLockedError',
      code: 'TASK_JOURNAL_LOCKED',
      pid: process.pid,
    })
    await one.broker.close()
    await other.broker.open()
  })

  test('a lock of a process that is no more, or began later than the lock was made, is taken over', async () => {
    for (const lock of [{ pid: 2 ** 22 + 1 }, { pid: process.pid, began: '1' }, { pid: process.ppid, began: '1' }]) {
      const path = freshPath()
      writeFileSync(`${path}.lock`, JSON.stringify(lock))
      await using one = processOn(path, [note])
      await one.broker.open()
    }
    const path = freshPath()
    writeFileSync(`${path}.lock`, 'not ours')
    await expect(memoryBroker({ journal: path }).open()).rejects.toBeInstanceOf(JournalLockedError)
  })

  test('of many that take over one dead lock at the same moment one gets it', async () => {
    for (let round = 0; round < 10; round += 1) {
      const path = freshPath()
      writeFileSync(`${path}.lock`, JSON.stringify({ pid: 2 ** 22 + 1 }))
      const brokers = Array.from({ length: 8 }, () => memoryBroker({ journal: path }))
      const answers = await Promise.allSettled(brokers.map((broker) => broker.open()))
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      await Promise.all(brokers.map((broker) => broker.close()))
    }
  })

  test('all that happens in one turn is one line', async () => {
    const path = freshPath()
    await using one = processOn(path, [note])
    await one.broker.open()
    const lines = (): number => readFileSync(path, 'utf8').split('\n').length
    const before = lines()
    await Promise.all(ALL.map((text) => one.tasks.enqueue(note, text)))
    expect(lines() - before).toBe(1)
  })

  test('with sync everything works as without', async () => {
    const path = freshPath()
    const broker = memoryBroker({ journal: { path, sync: true } })
    expect(broker.capabilities.durable).toBe(true)
    const answers = await broker.enqueue([], {})
    expect(answers).toEqual([])
    await broker.pause('default', {})
    await broker.close()
    const again = memoryBroker({ journal: { path, sync: true } })
    expect(await again.paused('default', {})).toBe(true)
    await again.close()
    await expect(again.enqueue([], {})).rejects.toBeInstanceOf(BackendUnavailableError)
  })

  test('a closed journal opens again for the next fork', async () => {
    const place = memoryBroker({ journal: freshPath() })
    for (let round = 0; round < 3; round += 1) {
      const fork = place.fork()
      await fork.board.set(`k${round}`, 'v', {})
      expect((await fork.board.entries({})).size).toBe(round + 1)
      await fork.close()
    }
  })
})
