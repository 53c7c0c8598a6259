import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { BackendUnavailableError } from '@plinth/core'
import { openRedis } from '@plinth/core/redis'
import type { RateLimitBackend } from '../../src/rate-limit-backend.js'
import { limitsOf } from '../arbitrary-limits.js'
import { openedBackend } from '../opened-backend.js'

/** A round of tries, split among the connections of this process. */
export interface ChargeOrder {
  readonly limit: string
  readonly tries: number
  /** The longest pause after a try, in milliseconds. */
  readonly pauseMs: number
  /** Who is charged together in one try. Default: one. */
  readonly subjects?: readonly string[]
  /** How many connections are used. Default: all. */
  readonly connections?: number
  /** For slots: a key in Redis that counts who holds one. */
  readonly counter?: string
}

/** What was admitted: by the backend's clock, and between which moments of ours; all in milliseconds. */
export interface ChargeReport {
  readonly admitted: readonly { readonly at: number; readonly sent: number; readonly received: number }[]
  readonly refused: number
  /** Tries that were not answered: never admitted, perhaps charged. */
  readonly unanswered: number
  /** The most holders that were seen at the same moment. */
  readonly mostHeld: number
}

const CONNECTIONS = 8
const options = { deadlineMs: 5_000, peek: false }

const [kind = '', address = '', prefix = '', countersUrl = ''] = process.argv.slice(2)
const opened = await Promise.all(Array.from({ length: CONNECTIONS }, () => openedBackend(kind, address, prefix)))
const counters = (await openRedis({ url: countersUrl })).client
console.log(JSON.stringify('ready'))

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await carryOut(JSON.parse(line) as ChargeOrder)))
}

async function carryOut({
  limit: input,
  tries,
  pauseMs,
  subjects = ['s'],
  connections = CONNECTIONS,
  counter,
}: ChargeOrder): Promise<ChargeReport> {
  const [limit] = limitsOf('p', input)
  if (limit === undefined) throw new TypeError('one input makes one limit')
  const admitted: { at: number; sent: number; received: number }[] = []
  let [refused, unanswered, mostHeld, begun] = [0, 0, 0, 0]

  const once = async (backend: RateLimitBackend, lease: string | undefined): Promise<void> => {
    const sent = Date.now()
    const charges = subjects.map((subject) => ({ subject, limit, cost: 1, lease }))
    const verdict = await backend.decide(charges, options)
    const at = verdict.outcomes[0]?.at ?? 0
    if (!verdict.admitted) {
      refused += 1
      return
    }
    admitted.push({ at: at / 1000, sent, received: Date.now() })
    if (counter === undefined) return
    mostHeld = Math.max(mostHeld, await counters.incr(counter))
    await sleep(Math.random() * 3)
    await counters.decr(counter)
    await backend.adjust([{ subject: 's', limit, by: -1, at, lease }], options)
  }

  await Promise.all(
    opened.slice(0, connections).map(async ({ backend }, i) => {
      while (begun < tries) {
        begun += 1
        const lease = limit.algorithm === 'concurrency' ? `${process.pid}-${i}-${begun}` : undefined
        await once(backend, lease).catch((error: unknown) => {
          if (!(error instanceof BackendUnavailableError)) throw error
          unanswered += 1
        })
        if (pauseMs > 0) await sleep(Math.random() * pauseMs)
      }
    }),
  )
  return { admitted, refused, unanswered, mostHeld }
}
