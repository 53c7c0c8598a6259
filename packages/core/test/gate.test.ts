import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Gate, type GateOptions } from '../src/gate.js'
import { BackendUnavailableError, MisconfiguredError } from '../src/infra-error.js'
import { FakeClock } from './fake-clock.js'

const clock = { now: () => Date.now(), elapsed: () => Date.now() }
const never = (): Promise<never> => new Promise(() => {})
const refused = (): Promise<never> =>
  Promise.reject(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))

function openGate(options: Partial<GateOptions> = {}): Gate {
  const gate = new Gate({
    label: 'cache: Redis at 127.0.0.1:6379/0',
    source: 'redis',
    secrets: ['hunter2'],
    deadlineMs: 100,
    breaker: { random: () => 0.999 },
    probe: async () => {},
    onDead: () => {},
    onChange: () => {},
    clock,
    ...options,
  })
  gate.setConnected(true)
  return gate
}

async function failFiveTimes(gate: Gate): Promise<void> {
  for (let count = 0; count < 5; count += 1) await gate.run(refused).catch(() => {})
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a gate', () => {
  test('lets a call through and answers its result', async () => {
    await expect(openGate().run(async () => 42)).resolves.toBe(42)
  })

  test('does not make a call while the connection is away, and says why', async () => {
    const gate = openGate()
    const cause = new BackendUnavailableError('connect ECONNREFUSED', { reason: 'closed' })
    gate.setConnected(false, cause)
    const call = vi.fn()
    await expect(gate.run(call)).rejects.toBe(cause)
    expect(call).not.toHaveBeenCalled()
  })

  test('ends the wait at the deadline of the call, or else its own', async () => {
    const gate = openGate()
    const own = gate.run(never)
    const given = gate.run(never, { deadlineMs: 20 })
    const rejected = Promise.all([
      expect(own).rejects.toMatchObject({ reason: 'deadline', message: expect.stringContaining('within 100 ms') }),
      expect(given).rejects.toMatchObject({ reason: 'deadline', message: expect.stringContaining('within 20 ms') }),
    ])
    await vi.advanceTimersByTimeAsync(100)
    await rejected
  })

  test('rejects with the reason of the signal, and counts that as no failure', async () => {
    const gate = openGate()
    for (let count = 0; count < 10; count += 1) {
      const controller = new AbortController()
      const waiting = gate.run(never, { signal: controller.signal })
      controller.abort('the user left')
      await expect(waiting).rejects.toBe('the user left')
    }
    expect(gate.available).toBe(true)
  })

  test('shuts after five failures in a row, and a call then costs no wait and reaches nobody', async () => {
    const onChange = vi.fn()
    const gate = openGate({ onChange })
    onChange.mockClear()
    await failFiveTimes(gate)
    expect(gate.available).toBe(false)
    expect(onChange).toHaveBeenCalledTimes(1)
    const call = vi.fn()
    await expect(gate.run(call)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', reason: 'open' })
    expect(call).not.toHaveBeenCalled()
  })

  test('opens again after one probe that succeeds, made in the background', async () => {
    const probe = vi.fn(async () => {})
    const gate = openGate({ probe })
    await failFiveTimes(gate)
    await vi.advanceTimersByTimeAsync(250)
    expect(probe).toHaveBeenCalledTimes(1)
    expect(gate.available).toBe(true)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(probe).toHaveBeenCalledTimes(1)
  })

  test('goes on probing while probes fail, at most one at a time and at least once a second', async () => {
    let fails = true
    let running = 0
    let most = 0
    const probe = vi.fn(async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 300))
      running -= 1
      if (fails) throw new Error('LOADING Redis is loading the dataset in memory')
    })
    const gate = openGate({ probe })
    await failFiveTimes(gate)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(gate.available).toBe(false)
    expect(most).toBe(1)
    expect(probe.mock.calls.length).toBeGreaterThanOrEqual(15)
    fails = false
    await vi.advanceTimersByTimeAsync(1_300)
    expect(gate.available).toBe(true)
  })

  test('stays shut while the backend answers, but not within the deadline that was missed', async () => {
    let slowMs = 400
    const onDead = vi.fn()
    const gate = openGate({ probe: () => new Promise((resolve) => setTimeout(resolve, slowMs)), onDead })
    for (let count = 0; count < 5; count += 1) {
      const call = gate.run(never).catch(() => {})
      await vi.advanceTimersByTimeAsync(100)
      await call
    }
    await vi.advanceTimersByTimeAsync(10_000)
    expect(gate.available).toBe(false)
    expect(onDead).not.toHaveBeenCalled()
    slowMs = 50
    await vi.advanceTimersByTimeAsync(2_000)
    expect(gate.available).toBe(true)
  })

  test('has the connection made anew when a probe gets no answer at all', async () => {
    const onDead = vi.fn()
    const gate = openGate({ probe: never, probeDeadlineMs: 1_000, onDead })
    await failFiveTimes(gate)
    await vi.advanceTimersByTimeAsync(250 + 1_000)
    expect(onDead).toHaveBeenCalledTimes(1)
  })

  test('a connection that comes back is trusted at once, and the probing ends', async () => {
    const probe = vi.fn(never)
    const gate = openGate({ probe })
    await failFiveTimes(gate)
    gate.setConnected(false)
    gate.setConnected(true)
    expect(gate.available).toBe(true)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(probe).not.toHaveBeenCalled()
  })

  test('is not shut by mistakes in calls: the server answered', async () => {
    const gate = openGate()
    for (let count = 0; count < 20; count += 1) {
      await gate.run(() => Promise.reject(new Error('WRONGTYPE Operation against a key'))).catch(() => {})
      await gate.run(() => Promise.reject(new Error('OOM command not allowed'))).catch(() => {})
    }
    expect(gate.available).toBe(true)
  })

  test('says that a failure is an outage, a mistake with its remedy, or a bug as it is', async () => {
    const gate = openGate({ variables: { password: 'CACHE_REDIS_PASSWORD' } })
    await expect(gate.run(refused)).rejects.toBeInstanceOf(BackendUnavailableError)
    await expect(gate.run(() => Promise.reject(new Error('LOADING Redis is loading')))).rejects.toMatchObject({
      reason: 'refused',
      retryable: true,
    })
    await expect(gate.run(() => Promise.reject(new Error('NOAUTH Authentication required.')))).rejects.toThrow(
      'set CACHE_REDIS_PASSWORD',
    )
    await expect(gate.run(() => Promise.reject(new Error('NOAUTH')))).rejects.toBeInstanceOf(MisconfiguredError)
    await expect(gate.run(() => Promise.reject(new TypeError('x is not a function')))).rejects.toMatchObject({
      name: 'TypeError',
    })
    await expect(
      gate.run(() => {
        throw new RangeError('at once')
      }),
    ).rejects.toThrow('at once')
  })

  test('that is asked to look and finds nobody well shuts, until a probe succeeds', async () => {
    let isWell = false
    const probe = vi.fn(async () => {
      if (!isWell) throw new Error('LOADING Redis is loading the dataset in memory')
    })
    const onChange = vi.fn()
    const gate = openGate({ probe, onChange })
    onChange.mockClear()
    await gate.look(100)
    expect(gate.available).toBe(false)
    expect(gate.error).toBeInstanceOf(BackendUnavailableError)
    expect(onChange).toHaveBeenCalledTimes(1)
    isWell = true
    await vi.advanceTimersByTimeAsync(1_000)
    expect(gate.available).toBe(true)
  })

  test('that is asked to look shuts for answers that are late, and stays open for one in time', async () => {
    let slowMs = 80
    const gate = openGate({ probe: () => new Promise((resolve) => setTimeout(resolve, slowMs)) })
    const look = async (): Promise<boolean> => {
      const looking = gate.look(100)
      await vi.advanceTimersByTimeAsync(3 * slowMs)
      await looking
      return gate.available
    }
    expect(await look()).toBe(true)
    slowMs = 200
    expect(await look()).toBe(false)
    expect(gate.error).toMatchObject({ reason: 'deadline' })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(gate.available).toBe(false) // it answers, but no sooner
    slowMs = 80
    await vi.advanceTimersByTimeAsync(2_000)
    expect(gate.available).toBe(true)
  })

  test('lets no secret through with an error', async () => {
    const error = Object.assign(new Error('ERR hunter2'), { command: { name: 'auth', args: ['hunter2'] } })
    const caught = await openGate()
      .run(() => Promise.reject(error))
      .catch((each: unknown) => each)
    expect(JSON.stringify(caught) + String(caught)).not.toContain('hunter2')
  })

  test('refuses everything once it is closed, and leaves no timer', async () => {
    const gate = openGate()
    await failFiveTimes(gate)
    gate.close()
    gate.setConnected(true)
    await expect(gate.run(async () => 1)).rejects.toMatchObject({ reason: 'closed' })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('ends each of many waits at its own time, with one timer for those of one length', async () => {
    const gate = openGate({ breaker: { consecutiveFailures: 100, minimumCalls: 100 } })
    const ended: string[] = []
    const wait = (name: string, deadlineMs: number, call: () => Promise<unknown> = never): void => {
      gate.run(call, { deadlineMs }).then(
        () => ended.push(`${name} answered`),
        () => ended.push(`${name} late`),
      )
    }
    wait('first', 100)
    await vi.advanceTimersByTimeAsync(40)
    wait('quick', 100, async () => 1)
    wait('second', 100)
    wait('short', 20)
    expect(vi.getTimerCount()).toBe(2)
    await vi.advanceTimersByTimeAsync(20)
    expect(ended).toEqual(['quick answered', 'short late'])
    await vi.advanceTimersByTimeAsync(40)
    expect(ended).toEqual(['quick answered', 'short late', 'first late'])
    await vi.advanceTimersByTimeAsync(39)
    expect(ended).toHaveLength(3)
    await vi.advanceTimersByTimeAsync(2)
    expect(ended).toEqual(['quick answered', 'short late', 'first late', 'second late'])
    await vi.advanceTimersByTimeAsync(1000)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('takes its time from the clock that it was given', async () => {
    const fake = new FakeClock()
    const gate = openGate({ clock: fake, breaker: { consecutiveFailures: 100, windowMs: 10_000, minimumCalls: 6 } })
    await failFiveTimes(gate)
    fake.pass(11_000)
    await gate.run(refused).catch(() => {})
    expect(gate.available).toBe(true)
  })
})
