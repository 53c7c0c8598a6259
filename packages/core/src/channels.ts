import { channel, tracingChannel } from 'node:diagnostics_channel'
import { sanitizeError } from './sanitize-error.js'

/** The parts of the house that speak on `node:diagnostics_channel`. */
export type ChannelSubject = 'cache' | 'rate-limit' | 'tasks' | 'email' | 'component'

/** A channel's full name, such as `plinth:cache:get`. */
export type ChannelName = `plinth:${ChannelSubject}:${string}`

/** A place in the code that tells subscribers of work from start to end. */
export interface TracePoint<Context extends object> {
  /** Whether anybody listens: build nothing for the trace when not. */
  readonly hasSubscribers: boolean
  /**
   * Runs `work`; with subscribers, publishes `context()` at its start and its end, by the protocol of Node's
   * `TracingChannel` (`tracing:<name>:start`, `asyncEnd`, `error` and so on), with a sanitised `error` added.
   *
   * The result is not published, because it may be anybody's data: `work` is handed the context and writes there what
   * may be known (a hit, a count); it is handed `undefined` when nobody listens.
   */
  trace<Result>(context: () => Context, work: (context: Context | undefined) => Promise<Result>): Promise<Result>
}

/** A place in the code that tells subscribers of something that happened. */
export interface EventPoint<Message extends object> {
  readonly hasSubscribers: boolean
  /** Publishes `message()`, which is not called when nobody listens. */
  publish(message: () => Message): void
}

/** Opens a tracing channel. Without subscribers a trace costs one look at a boolean. */
export function tracePoint<Context extends object>(name: ChannelName): TracePoint<Context> {
  const channels = tracingChannel<unknown, object>(name)
  return {
    get hasSubscribers() {
      return channels.hasSubscribers
    },
    trace(context, work) {
      if (!channels.hasSubscribers) return work(undefined)
      const traced = context()
      return publishAround(channels, traced, () => work(traced))
    },
  }
}

/** Opens a plain channel, `plinth:<subject>:<event>`. */
export function eventPoint<Message extends object>(name: ChannelName): EventPoint<Message> {
  const events = channel(name)
  return {
    get hasSubscribers() {
      return events.hasSubscribers
    },
    publish(message) {
      if (events.hasSubscribers) events.publish(message())
    },
  }
}

/** As `TracingChannel.tracePromise`, but subscribers never see the error itself: a client's error carries its command. */
function publishAround<Result>(
  channels: ReturnType<typeof tracingChannel<unknown, object>>,
  context: object,
  work: () => Promise<Result>,
): Promise<Result> {
  const asyncPart = (): void => {
    channels.asyncStart.publish(context)
    channels.asyncEnd.publish(context)
  }
  const onError = (error: unknown): void => {
    Object.assign(context, { error: sanitizeError(error) })
    channels.error.publish(context)
  }
  return channels.start.runStores(context, () => {
    try {
      const promise = work()
      promise.then(asyncPart, (error: unknown) => {
        onError(error)
        asyncPart()
      })
      return promise
    } catch (error) {
      onError(error)
      throw error
    } finally {
      channels.end.publish(context)
    }
  })
}
