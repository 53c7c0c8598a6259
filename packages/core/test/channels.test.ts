import { channel, tracingChannel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { eventPoint, tracePoint } from '../src/channels.js'

interface Get {
  readonly key: string
  hit?: boolean
  error?: Error
}

const point = tracePoint<Get>('plinth:cache:test')

function listen(): { readonly seen: string[]; readonly contexts: Get[]; readonly stop: () => void } {
  const seen: string[] = []
  const contexts: Get[] = []
  const on = (event: string) => (context: unknown) => {
    seen.push(event)
    contexts.push(context as Get)
  }
  const handlers = {
    start: on('start'),
    end: on('end'),
    asyncStart: on('asyncStart'),
    asyncEnd: on('asyncEnd'),
    error: on('error'),
  }
  const traced = tracingChannel('plinth:cache:test')
  traced.subscribe(handlers)
  return { seen, contexts, stop: () => traced.unsubscribe(handlers) }
}

describe('a trace point', () => {
  test('builds nothing when nobody listens', async () => {
    const context = vi.fn(() => ({ key: 'a' }))
    await expect(point.trace(context, async (given) => given)).resolves.toBeUndefined()
    expect(context).not.toHaveBeenCalled()
    expect(point.hasSubscribers).toBe(false)
  })

  test('tells of start and end, with what the work wrote into the context, and not with its result', async () => {
    const { seen, contexts, stop } = listen()
    const work = async (context: Get | undefined): Promise<string> => {
      if (context !== undefined) context.hit = true
      return 'a value of somebody'
    }
    await expect(point.trace(() => ({ key: 'a' }), work)).resolves.toBe('a value of somebody')
    stop()
    expect(seen).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(contexts[3]).toEqual({ key: 'a', hit: true })
  })

  test('tells of a failure with a sanitised error, and the caller gets the error itself', async () => {
    const failure = Object.assign(new Error('no'), { command: { name: 'auth', args: ['hunter2'] } })
    const { seen, contexts, stop } = listen()
    await expect(
      point.trace(
        () => ({ key: 'a' }),
        () => Promise.reject(failure),
      ),
    ).rejects.toBe(failure)
    stop()
    expect(seen).toContain('error')
    expect(inspect(contexts, { depth: 5 })).not.toContain('hunter2')
    expect(contexts[0]?.error?.message).toBe('no')
  })

  test('work that throws at once is told of too', () => {
    const { seen, stop } = listen()
    expect(() =>
      point.trace(
        () => ({ key: 'a' }),
        () => {
          throw new Error('at once')
        },
      ),
    ).toThrow('at once')
    stop()
    expect(seen).toEqual(['start', 'error', 'end'])
  })
})

describe('an event point', () => {
  test('makes its message only for listeners', () => {
    const events = eventPoint<{ readonly component: string }>('plinth:component:test')
    const message = vi.fn(() => ({ component: 'cache' }))
    events.publish(message)
    expect(message).not.toHaveBeenCalled()
    const seen = vi.fn()
    channel('plinth:component:test').subscribe(seen)
    events.publish(message)
    channel('plinth:component:test').unsubscribe(seen)
    expect(seen).toHaveBeenCalledWith({ component: 'cache' }, 'plinth:component:test')
  })
})
