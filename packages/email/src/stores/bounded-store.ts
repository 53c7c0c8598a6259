import { withDeadline } from '../delivery/deadline.js'
import type { EmailStore } from './email-store.js'
import type { SendLog } from './send-log.js'
import type { SuppressionList } from './suppression-list.js'

/** How long one question to a store may take before the mailer goes on without it. */
const STORE_DEADLINE_MS = 1_000

/** Gives a store whose every call ends within a second: what a caller brings may hang, and a send must not. */
export function boundedStore(store: EmailStore): EmailStore {
  return {
    add: (key, value, ttlMs) => bounded(store.add(key, value, ttlMs)),
    get: (key) => bounded(store.get(key)),
    set: (key, value, ttlMs) => bounded(store.set(key, value, ttlMs)),
    delete: (key) => bounded(store.delete(key)),
  }
}

/** As {@link boundedStore}, for a suppression list. */
export function boundedSuppressions(list: SuppressionList): SuppressionList {
  return {
    find: (stream, address) => bounded(list.find(stream, address)),
    add: (stream, address, reason) => bounded(list.add(stream, address, reason)),
    remove: (stream, address) => bounded(list.remove(stream, address)),
  }
}

/** As {@link boundedStore}, for a send log. */
export function boundedSendLog(log: SendLog): SendLog {
  return {
    record: (entries) => bounded(log.record(entries)),
    advance: (change) => bounded(log.advance(change)),
  }
}

function bounded<Result>(work: Promise<Result>): Promise<Result> {
  return withDeadline(work, STORE_DEADLINE_MS, 'The email store did not answer in time.')
}
