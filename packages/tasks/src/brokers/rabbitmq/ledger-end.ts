import type { ConsumeMessage } from 'amqplib'
import { dedupeScope } from '../../dedupe-scope.js'
import { LANES } from '../../lane.js'
import type { TaskMessage } from '../../message.js'
import type { Ending } from '../../outcome.js'
import { settledOf } from '../../settled-of.js'
import type { DeadEntry, LedgerEntry } from './ledger-entry.js'
import type { Envelope } from './rabbit-codec.js'

/** How long a message that nobody can read is kept as a dead letter. */
const UNREADABLE_KEPT_MS = 14 * 24 * 3_600_000

/** What the ledger is told of the end of a task. */
export function endOf({ message, made, turn }: Envelope, outcome: Ending, at: number): LedgerEntry {
  const unique = message.dedupe?.unique
  const scopes = unique === undefined ? {} : { scopes: [dedupeScope('u', message, unique.key)] }
  const settled = settledOf(outcome)
  if (outcome.kind !== 'dead') return { t: 'end', id: message.id, at, keepMs: message.keepResultMs, settled, ...scopes }
  const { id, queue, task, lane, input, enqueuedAt } = message
  const { reason, failure } = outcome
  const letter = { id, queue, task, lane, input, enqueuedAt, reason, failure, attempt: made, deadAt: at }
  const dead: DeadEntry = { letter, message, turn }
  return { t: 'end', id, at, keepMs: message.keepDeadMs, settled, dead, ...scopes }
}

/** The end of a message that nobody can read: a dead letter with what its queue tells about it. */
export function endOfUnreadable({ fields, properties }: ConsumeMessage, at: number): LedgerEntry {
  // The name of a queue may have dots of its own.
  const [, queue = 'default', lane = 'normal'] = /^plinth\.v1\.(.+)\.(\w+)$/.exec(fields.routingKey) ?? []
  const message: TaskMessage = {
    id: `unreadable-${String(properties.messageId)}-${fields.deliveryTag}`,
    queue,
    lane: LANES.find((one) => one === lane) ?? 'normal',
    task: 'unreadable',
    version: 1,
    input: undefined,
    attempts: 1,
    enqueuedAt: at,
    keepResultMs: 0,
    keepDeadMs: UNREADABLE_KEPT_MS,
  }
  const failure = { name: 'InvalidPayload', message: 'The stored task cannot be read.' }
  return endOf({ message, made: 0, turn: 0 }, { kind: 'dead', reason: 'invalid-payload', failure }, at)
}
