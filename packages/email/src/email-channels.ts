import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'

/** What subscribers of `plinth:email:send` learn: names and counts, never an address, a subject or a token. */
export interface EmailTrace {
  /** The template's name, or `(written)`. */
  readonly template: string
  readonly transport: string
  readonly queued: boolean
}

/**
 * The tracing channel `plinth:email:send`: one span for each message that was asked for, with its result or error.
 * Costs nothing while nobody listens.
 */
export const sendChannel: TracingChannel<string, EmailTrace> = tracingChannel<string, EmailTrace>('plinth:email:send')
