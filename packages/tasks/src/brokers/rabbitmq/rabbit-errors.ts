import { BackendUnavailableError, InfraError, MisconfiguredError, sanitizeError } from '@plinth/core'

/** RabbitMQ left something without an answer. */
export class NoAnswerError extends BackendUnavailableError {}

/** The error of a wait that RabbitMQ has left without an answer. */
export function noAnswer(): Error {
  return new NoAnswerError('RabbitMQ did not answer in time.', { reason: 'deadline' })
}

/** A message was published, and the server did not say that it has it. */
export function unconfirmed(error: unknown): Error {
  return new BackendUnavailableError('RabbitMQ did not confirm a message.', {
    reason: 'deadline',
    cause: sanitizeError(error),
  })
}

/** A message was published that no queue takes. */
export function unroutable(key: string): Error {
  return new BackendUnavailableError(`No queue of RabbitMQ takes messages for "${key}".`, { reason: 'refused' })
}

/** A confirmation came too late for whoever waits. */
export function notInTime(): Error {
  return new BackendUnavailableError('RabbitMQ did not confirm a message in time.', { reason: 'deadline' })
}

/** What RabbitMQ or its client says, as an error of ours: of a person who has to help, or of a server that is away. */
export function rabbitError(error: unknown): Error {
  if (error instanceof InfraError) return error
  const cause = sanitizeError(error)
  if (/ACCESS.REFUSED|\b403\b|NOT.ALLOWED|\b530\b|inequivalent arg/i.test(cause.message)) {
    return new MisconfiguredError(
      `RabbitMQ refuses: ${cause.message}. Check user name, password and virtual host in the URL, and that nobody else declared its queues.`,
      { cause },
    )
  }
  return new BackendUnavailableError(`RabbitMQ is unavailable: ${cause.message}`, { reason: 'closed', cause })
}
