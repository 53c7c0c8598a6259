import { MisconfiguredError } from '@plinth/core'
import { hasExchange } from './has-exchange.js'
import type { RabbitSession } from './rabbit-link.js'

/** What all processes have agreed upon about one stream: it is relied on for good, or nobody ever will. */
export type Fate = 'kept' | 'lost'

/** An exchange is of the kind under which it was declared first; whoever declares another is told so. */
const KINDS: Readonly<Record<Fate, string>> = { kept: 'fanout', lost: 'topic' }

/** The stream of a generation. The version changes with its arguments, the generation when one was lost before it was relied on. */
export function streamName(generation: number): string {
  return generation === 0 ? 'plinth.ledger.v1' : `plinth.ledger.v1.${generation}`
}

/** What was agreed upon about a stream; `undefined` when nothing was yet. */
export async function readFate(session: RabbitSession, generation: number): Promise<Fate | undefined> {
  return (await hasExchange(session, fateName(generation))) ? agree(session, generation, 'kept') : undefined
}

/** Has everybody agree upon a stream, now and for good; answers what others agreed upon when they came first. */
export async function agree(session: RabbitSession, generation: number, fate: Fate): Promise<Fate> {
  try {
    await declare(session, generation, fate)
    return fate
  } catch (error) {
    if (!(error instanceof MisconfiguredError)) throw error
    const other = fate === 'kept' ? 'lost' : 'kept'
    await declare(session, generation, other)
    return other
  }
}

function declare(session: RabbitSession, generation: number, fate: Fate): Promise<unknown> {
  return session.scratch((channel) => channel.assertExchange(fateName(generation), KINDS[fate], { durable: true }))
}

function fateName(generation: number): string {
  return `${streamName(generation)}.fate`
}
