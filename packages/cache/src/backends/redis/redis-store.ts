import type { RedisClient, RedisConnection } from '@plinth/core/redis'
import {
  type Address,
  type CacheStore,
  type Claim,
  type ClaimRequest,
  COUNT_FORMAT,
  type EntryPart,
  type Inspection,
  type KeyMatcher,
  type Lease,
  type Lifetime,
  type NewEntry,
  type StoredEntry,
  type SweepOptions,
  type WriteCondition,
} from '../../cache-backend.js'
import { CacheValueError } from '../../cache-errors.js'
import { NAMESPACE_GUARD } from '../../keys/guards.js'
import { entryIn, frameStart, frameTail, physicalMs } from '../frame.js'
import { inspectFrame } from '../inspect-frame.js'
import type { Won } from './question.js'
import { RedisBatch } from './redis-batch.js'
import { RedisKeys } from './redis-keys.js'
import { RedisWaiters } from './redis-waiters.js'
import { scanKeys } from './scan-keys.js'
import { INCREMENT, REMOVE, TAKE, TOUCH, VERIFY } from './scripts/entries.js'
import { FILL, WRITE } from './scripts/fill.js'
import { RELEASE, RENEW, STAMP } from './scripts/lease.js'
import { runScript, type Script } from './scripts/script.js'
import { GUARD_MS, REMEMBERED } from './stamp-bounds.js'

/** How many keys one command removes. */
const REMOVE_AT_ONCE = 500

const MODES = { need: 'n', refresh: 'f', steal: 's' } as const

/** One namespace on a single Redis server (or Sentinel): every step is one atomic script by the server's own clock. */
export class RedisStore implements CacheStore {
  readonly holds = 'bytes' as const
  readonly #connection: RedisConnection
  readonly #deadlineMs: number
  readonly #keys: RedisKeys
  readonly #batch: RedisBatch
  readonly #waiters: RedisWaiters

  constructor(connection: RedisConnection, namespace: string, deadlineMs: number) {
    this.#connection = connection
    this.#deadlineMs = deadlineMs
    this.#keys = new RedisKeys(namespace)
    this.#batch = new RedisBatch({ connection, keys: this.#keys, deadlineMs })
    this.#waiters = new RedisWaiters(connection, this.#keys.channel)
  }

  read(address: Address, part: EntryPart = 'all'): Promise<StoredEntry | undefined> {
    const mode = part === 'head' ? 'h' : 'r'
    return new Promise((resolve, reject) => {
      this.#batch.ask({ address, mode, leaseMs: 0, answer: resolve, reject })
    })
  }

  claim(address: Address, { mode, leaseMs }: ClaimRequest): Promise<Claim> {
    return new Promise((resolve, reject) => {
      const answer = (entry: StoredEntry | undefined, won: Won | undefined): void =>
        resolve({ entry, lease: won === undefined ? undefined : this.#lease(address, won) })
      this.#batch.ask({ address, mode: MODES[mode], leaseMs, answer, reject })
    })
  }

  settled(key: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return this.#waiters.wait(this.#keys.entry(key), timeoutMs, signal)
  }

  async write({ key, guards }: Address, entry: NewEntry, condition?: WriteCondition): Promise<boolean> {
    const names = guards.join('\n')
    const keys = [this.#keys.entry(key), this.#keys.clock, ...guards.map((guard) => this.#keys.guard(guard))]
    const answer = await this.#run(WRITE, keys, [
      condition ?? '',
      frameStart(entry, names),
      frameTail(entry, names),
      ...this.#lifetime(entry),
      this.#keys.guardPrefix,
      this.#keys.channel,
    ])
    this.#batch.fresh.forget([key])
    return answer === 1
  }

  async touch({ key }: Address, lifetime: Lifetime): Promise<boolean> {
    const answer = await this.#run(
      TOUCH,
      [this.#keys.entry(key)],
      [this.#keys.guardPrefix, ...this.#lifetime(lifetime)],
    )
    return answer === 1
  }

  async remove(keys: readonly string[]): Promise<number> {
    this.#batch.fresh.forget(keys)
    return this.#removeAll(
      keys.map((key) => this.#keys.entry(key)),
      false,
    )
  }

  async take({ key }: Address): Promise<StoredEntry | undefined> {
    this.#batch.fresh.forget([key])
    const answer = await this.#run(TAKE, [this.#keys.entry(key)], [this.#keys.guardPrefix, this.#keys.channel])
    if (answer === null) return undefined
    const [bytes, now] = answer as [Buffer, Buffer]
    return entryIn(bytes, Number(now.toString('latin1')))
  }

  async increment({ key, guards }: Address, by: number, lifetime: Lifetime): Promise<number> {
    const names = guards.join('\n')
    const empty: NewEntry = { ...lifetime, body: new Uint8Array(), size: 0, format: COUNT_FORMAT, costMs: 0, peekMs: 0 }
    const keys = [this.#keys.entry(key), this.#keys.clock, ...guards.map((guard) => this.#keys.guard(guard))]
    const answer = await this.#run(INCREMENT, keys, [
      by,
      frameStart(empty, names),
      frameTail(empty, names),
      ...this.#lifetime(lifetime),
      this.#keys.guardPrefix,
      this.#keys.channel,
    ])
    const sum = (answer as Buffer).toString('latin1')
    if (sum === 'E') throw new CacheValueError('Only a whole number can be incremented, and only up to 2^53 - 1.')
    return Number(sum)
  }

  async stamp(guards: readonly string[]): Promise<void> {
    this.#batch.fresh.forget()
    const keys = [this.#keys.clock, this.#keys.late, ...guards.map((guard) => this.#keys.guard(guard))]
    await this.#run(STAMP, keys, [REMEMBERED])
  }

  async sweep(matcher: KeyMatcher, { signal, dryRun, onProgress }: SweepOptions): Promise<number> {
    const { entryPrefix } = this.#keys
    this.#batch.fresh.forget()
    let removed = 0
    for await (const found of scanKeys(this.#connection, entryPrefix + matcher.beginsWith, signal)) {
      const matching = found.filter((key) => matcher.matches(key.slice(entryPrefix.length)))
      removed += await this.#removeAll(matching, dryRun)
      onProgress?.(removed)
    }
    return removed
  }

  async inspect({ key }: Address): Promise<Inspection> {
    const [[bytes], [seconds, micros]] = await this.#call(async (client) =>
      Promise.all([client.mgetBuffer(this.#keys.entry(key)), client.time()]),
    )
    const now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
    return inspectFrame(bytes ?? undefined, now, (guards) =>
      this.#call((client) => client.mget(guards.map((guard) => this.#keys.guard(guard)))),
    )
  }

  async verify(): Promise<boolean> {
    const info = await this.#call((client) => client.info('server'))
    const [, runId = ''] = /^run_id:(\w+)/m.exec(info) ?? []
    const keys = [this.#keys.mark, this.#keys.clock, this.#keys.guard(NAMESPACE_GUARD)]
    return (await this.#run(VERIFY, keys, [runId])) === 1
  }

  close(): void {
    this.#waiters.close()
  }

  #lease({ key, guards }: Address, { token, begun }: Won): Lease {
    const { guardPrefix, channel } = this.#keys
    const entryKey = this.#keys.entry(key)
    return {
      fill: async (entry) => {
        const late = (entry.extraGuards ?? []).filter((guard) => !guards.includes(guard))
        const all = [...guards, ...new Set(late)]
        const names = all.join('\n')
        const keys = [entryKey, this.#keys.late, this.#keys.clock, ...all.map((guard) => this.#keys.guard(guard))]
        const answer = await this.#run(FILL, keys, [
          token,
          begun,
          frameStart(entry, names),
          frameTail(entry, names),
          ...this.#lifetime(entry),
          guards.length,
          channel,
        ])
        return answer === 1
      },
      renew: async (leaseMs) => (await this.#run(RENEW, [entryKey], [token, leaseMs, guardPrefix, begun])) === 1,
      release: async () => (await this.#run(RELEASE, [entryKey], [token, guardPrefix, begun, channel])) === 1,
    }
  }

  async #removeAll(entryKeys: readonly string[], dryRun: boolean): Promise<number> {
    let removed = 0
    for (let start = 0; start < entryKeys.length; start += REMOVE_AT_ONCE) {
      const some = entryKeys.slice(start, start + REMOVE_AT_ONCE)
      removed += Number(await this.#run(REMOVE, some, [this.#keys.channel, dryRun ? '1' : '0']))
    }
    return removed
  }

  /** Fresh, stale, grace and physical lifetime, and that of guards: what the scripts that store ask for. */
  #lifetime(lifetime: Lifetime): number[] {
    const { freshMs, staleMs, graceMs } = lifetime
    return [freshMs, staleMs, graceMs, physicalMs(lifetime), GUARD_MS]
  }

  #run(script: Script, keys: readonly string[], args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.#call((client) => runScript(client, script, keys, args))
  }

  #call<Answer>(command: (client: RedisClient) => Promise<Answer>): Promise<Answer> {
    return this.#connection.run(command, { deadlineMs: this.#deadlineMs })
  }
}
