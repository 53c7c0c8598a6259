import type { FaultRule } from './fault.js'
import { certificateMessages, networkFaults } from './network-faults.js'

/** Postmark's own error codes (`ErrorCode` of the body), then the HTTP status where there is none. */
export const postmarkFaults: readonly FaultRule[] = [
  { id: 'postmark/token', kind: 'misconfigured', codes: [10], remedy: 'Check POSTMARK_SERVER_TOKEN.' },
  {
    id: 'postmark/sender',
    kind: 'misconfigured',
    codes: [400, 401, 402],
    callOnly: true,
    remedy: 'Confirm the sender signature or the domain of EMAIL_SENDER_ADDRESS at Postmark.',
  },
  {
    id: 'postmark/account',
    kind: 'misconfigured',
    codes: [405, 412, 413],
    remedy: 'The Postmark account may not send (credits, approval): see its activity page.',
  },
  {
    id: 'postmark/stream',
    kind: 'misconfigured',
    codes: [1226, 1235],
    callOnly: true,
    remedy: 'The message stream does not exist on this server: check the stream name.',
  },
  { id: 'postmark/inactive-recipient', kind: 'bug', codes: [406] },
  { id: 'postmark/invalid-message', kind: 'bug', codes: [300, 403, 409, 410, 411, 1101, 1109] },
  { id: 'postmark/rate-limited', kind: 'outage', codes: [429] },
  { id: 'postmark/maintenance', kind: 'outage', codes: [100] },
  { id: 'postmark/token', kind: 'misconfigured', statuses: [401], remedy: 'Check POSTMARK_SERVER_TOKEN.' },
  { id: 'postmark/too-large', kind: 'bug', statuses: [413] },
  { id: 'postmark/rate-limited', kind: 'outage', statuses: [429] },
  { id: 'postmark/server', kind: 'outage', statuses: [408, 500, 502, 503, 504] },
  { id: 'postmark/timeout', kind: 'outage', codes: [23, 'ABORT_ERR'] },
  ...networkFaults,
  { id: 'postmark/unreachable', kind: 'outage', message: /^fetch failed|The operation was aborted/ },
]

/** SMTP reply codes (RFC 5321 section 4.2.3, RFC 4954) and nodemailer's own words. 4yz passes, 5yz stays. */
export const smtpFaults: readonly FaultRule[] = [
  {
    id: 'smtp/authentication',
    kind: 'misconfigured',
    codes: [530, 534, 535, 538, 'EAUTH', 'ENOAUTH', 'EOAUTH2'],
    remedy: 'Check the user name and the password in EMAIL_SMTP_URL.',
  },
  {
    id: 'smtp/tls',
    kind: 'misconfigured',
    codes: ['ETLS', 'EREQUIRETLS'],
    remedy:
      'The server does not offer the encryption that is asked for: check the scheme and the port of EMAIL_SMTP_URL.',
  },
  { id: 'smtp/later', kind: 'outage', codes: [421, 450, 451, 452, 454, 455] },
  {
    id: 'smtp/refused-message',
    kind: 'bug',
    codes: [500, 501, 502, 503, 504, 521, 550, 551, 552, 553, 554, 555, 556, 'EENVELOPE', 'EMESSAGE'],
  },
  { ...certificateMessages, id: 'smtp/certificate', codes: ['ESOCKET', 'ECONNECTION'] },
  {
    id: 'smtp/tls',
    kind: 'misconfigured',
    message: /wrong version number/,
    remedy: 'The server does not speak TLS on this port: check the scheme and the port of EMAIL_SMTP_URL.',
  },
  { id: 'smtp/connection', kind: 'outage', codes: ['ECONNECTION', 'ESOCKET', 'EDNS', 'EPROTOCOL', 'EMAXLIMIT'] },
  ...networkFaults,
]
