import { createHash } from 'node:crypto'
import type { EmailEvent, EmailEventReason, EmailEventType } from '../../webhooks/email-event.js'

type Json = Readonly<Record<string, unknown>>

/** What Postmark's bounce types mean: https://postmarkapp.com/developer/api/bounce-api#bounce-types */
const BOUNCES: Readonly<Record<string, readonly [EmailEventType, EmailEventReason]>> = {
  HardBounce: ['bounced', 'bounced'],
  BadEmailAddress: ['bounced', 'invalid'],
  Blocked: ['bounced', 'blocked'],
  DMARCPolicy: ['bounced', 'blocked'],
  ManuallyDeactivated: ['bounced', 'blocked'],
  VirusNotification: ['bounced', 'other'],
  SpamNotification: ['complained', 'spam'],
  SpamComplaint: ['complained', 'spam'],
  Unsubscribe: ['unsubscribed', 'unsubscribed'],
  ManualSuppression: ['unsubscribed', 'unsubscribed'],
  Transient: ['deferred', 'timed-out'],
  SoftBounce: ['deferred', 'other'],
  DnsError: ['deferred', 'other'],
}

/**
 * Gives Postmark's report of an outbound message in the form all providers share; `undefined` for a record that says
 * nothing about one (an inbound message, a kind that is new).
 *
 * The id comes from what happened, not from the delivery of the report: a repetition has the same.
 */
export function readPostmarkEvent(body: unknown): EmailEvent | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined
  const json = body as Json
  const messageId = text(json, 'MessageID')
  const recipient = text(json, 'Recipient') ?? text(json, 'Email')
  const kind = kindOf(json)
  if (messageId === undefined || recipient === undefined || kind === undefined) return undefined
  const happened =
    text(json, 'DeliveredAt') ?? text(json, 'BouncedAt') ?? text(json, 'ReceivedAt') ?? text(json, 'ChangedAt')
  const url = kind.type === 'clicked' ? text(json, 'OriginalLink') : undefined
  const parts = [text(json, 'RecordType'), messageId, recipient.toLowerCase(), happened, String(json.ID ?? ''), url]
  const parsed = Date.parse(happened ?? '')
  return {
    ...kind,
    id: createHash('sha256').update(parts.join('\n')).digest('base64url'),
    messageId,
    recipient,
    at: Number.isNaN(parsed) ? Date.now() : parsed,
    stream: text(json, 'MessageStream') ?? 'outbound',
    tag: text(json, 'Tag'),
    metadata: readMetadata(json.Metadata),
    url,
  }
}

function kindOf(json: Json): Pick<EmailEvent, 'type' | 'reason' | 'inactive'> | undefined {
  switch (json.RecordType) {
    case 'Delivery':
      return { type: 'delivered' }
    case 'Open':
      return { type: 'opened' }
    case 'Click':
      return { type: 'clicked' }
    case 'SpamComplaint':
      return { type: 'complained', reason: 'spam', inactive: true }
    case 'Bounce':
      return bounceOf(json)
    case 'SubscriptionChange':
      return subscriptionOf(json)
    default:
      return undefined
  }
}

function bounceOf(json: Json): Pick<EmailEvent, 'type' | 'reason' | 'inactive'> {
  const [type, reason] = BOUNCES[text(json, 'Type') ?? ''] ?? ['deferred', 'other']
  return { type, reason, inactive: json.Inactive === true }
}

function subscriptionOf(json: Json): Pick<EmailEvent, 'type' | 'reason' | 'inactive'> {
  if (json.SuppressSending === false) return { type: 'resubscribed', inactive: false }
  const reasons: Readonly<Record<string, EmailEvent['type']>> = { HardBounce: 'bounced', SpamComplaint: 'complained' }
  const type = reasons[text(json, 'SuppressionReason') ?? ''] ?? 'unsubscribed'
  return {
    type,
    reason: type === 'unsubscribed' ? 'unsubscribed' : type === 'bounced' ? 'bounced' : 'spam',
    inactive: true,
  }
}

function text(json: Json, key: string): string | undefined {
  const value = json[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function readMetadata(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
