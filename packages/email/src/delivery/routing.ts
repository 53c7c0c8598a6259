import { addressKey, type EmailAddress, formatAddress } from '../message/address.js'
import type { Message } from '../message/message.js'
import type { RecipientOutcome } from '../send-result.js'

/** Where mail may go on a machine that must not write to real people. */
export interface RoutingOptions {
  /** Everything goes to these instead; with an allow-list, everything that is not on it. */
  readonly interceptTo?: readonly EmailAddress[] | undefined
  /** Addresses (`ada@example.com`) and domains (`@example.com`) that mail may go to; the rest is left out. */
  readonly allowList?: readonly string[] | undefined
}

/** A message as it may go out, and what became of those it does not go to. */
export interface Routed {
  /** Absent when nobody is left. */
  readonly message?: Message | undefined
  /** Only for addresses that were left out or replaced. */
  readonly outcomes: readonly RecipientOutcome[]
}

/** Decides for each recipient whether the mail goes there. */
export function routeMessage(message: Message, options: RoutingOptions): Routed {
  const { interceptTo, allowList } = options
  if (interceptTo === undefined && allowList === undefined) return { message, outcomes: [] }
  const allowed = new Set((allowList ?? []).map((entry) => entry.toLowerCase()))
  const passes = ({ address }: EmailAddress): boolean =>
    allowed.has(addressKey(address)) || allowed.has(addressKey(address.slice(address.lastIndexOf('@'))))
  return interceptTo === undefined ? leaveOut(message, passes, 'not-allowed') : intercept(message, passes, interceptTo)
}

/**
 * Gives the message without the recipients that do not pass.
 *
 * When nobody is left in `to`, one of `cc` (else of `bcc`) moves up, because a message needs somebody there; nobody
 * learns of an address they would not have seen.
 */
export function leaveOut(
  message: Message,
  passes: (address: EmailAddress) => boolean,
  outcome: 'not-allowed' | 'suppressed',
): Routed {
  const outcomes: RecipientOutcome[] = []
  const keep = (list: readonly EmailAddress[]): EmailAddress[] =>
    list.filter((one) => {
      const kept = passes(one)
      if (!kept) outcomes.push({ address: one.address, outcome })
      return kept
    })
  const [to, cc, bcc] = [keep(message.to), keep(message.cc), keep(message.bcc)]
  if (outcomes.length === 0) return { message, outcomes }
  if (to.length === 0) to.push(...(cc.length > 0 ? cc : bcc).splice(0, 1))
  return { message: to.length === 0 ? undefined : { ...message, to, cc, bcc }, outcomes }
}

function intercept(
  message: Message,
  passes: (address: EmailAddress) => boolean,
  interceptTo: readonly EmailAddress[],
): Routed {
  const outcomes: RecipientOutcome[] = []
  const originals: EmailAddress[] = []
  const keep = (list: readonly EmailAddress[]): EmailAddress[] =>
    list.filter((one) => {
      const kept = passes(one)
      if (!kept) {
        originals.push(one)
        outcomes.push({ address: one.address, outcome: 'intercepted' })
      }
      return kept
    })
  const [to, cc, bcc] = [keep(message.to), keep(message.cc), keep(message.bcc)]
  if (originals.length === 0) return { message, outcomes }
  const { content } = message
  return {
    outcomes,
    message: {
      ...message,
      to: [...to, ...interceptTo],
      cc,
      bcc,
      content: content.kind === 'rendered' ? { ...content, subject: `[intercepted] ${content.subject}` } : content,
      headers: [...message.headers, { name: 'X-Original-To', value: describeOriginals(originals) }],
    },
  }
}

function describeOriginals(originals: readonly EmailAddress[]): string {
  const shown = originals.slice(0, 5).map(({ address }) => formatAddress({ address }))
  return shown.join(', ') + (originals.length > shown.length ? ` and ${originals.length - shown.length} more` : '')
}
