import type { Readiness } from '@plinth/core'
import { isPrivateHost, type RedisSettings } from '@plinth/core/config'
import type { RedisClient, RedisConnection } from '@plinth/core/redis'
import type { Finding } from './finding.js'
import { latencyOf } from './latency.js'

/** A Redis and the component that uses it. */
export interface RedisUser {
  readonly subject: string
  readonly settings: RedisSettings
  readonly connection: RedisConnection & Readiness
}

/** Looks at one component's Redis: connection, version, clock, TLS. The connection must be ready. */
export async function examineRedis({ subject, settings, connection }: RedisUser): Promise<readonly Finding[]> {
  const latencyMs = await latencyOf(() => connection.run((client) => client.ping()))
  const server = fieldsOf(await connection.run((client) => infoOf(client, 'server')))
  const skewMs = await clockSkewOf(connection)
  return [
    {
      subject,
      check: 'connection',
      status: 'ok',
      found: `${connection.target}, database verified, answers in ${latencyMs.toFixed(1)} ms`,
    },
    {
      subject,
      check: 'version',
      status: 'info',
      found: `Redis ${server.get('redis_version') ?? 'of unknown version'}`,
    },
    clockFinding(subject, skewMs),
    tlsFinding(subject, settings),
  ]
}

function tlsFinding(subject: string, { address, tls, variables }: RedisSettings): Finding {
  if (tls) return { subject, check: 'tls', status: 'ok', found: 'encrypted' }
  if (hostsOf(address).every(isPrivateHost))
    return { subject, check: 'tls', status: 'ok', found: 'not needed on a private host' }
  return {
    subject,
    check: 'tls',
    status: 'warning',
    found: 'a public host without TLS: passwords and values can be read on the way',
    remedy: `Use rediss:// in ${variables.address}.`,
  }
}

function hostsOf(address: RedisSettings['address']): readonly string[] {
  if ('path' in address) return []
  if ('cluster' in address) return address.cluster.map(({ host }) => host)
  return 'sentinels' in address ? address.sentinels.map(({ host }) => host) : [address.host]
}

/** How far a server's clock may be from ours before somebody should look. */
const SKEW_MS = 500

/** A finding about a server's clock. */
export function clockFinding(subject: string, skewMs: number): Finding {
  const found = `${Math.round(Math.abs(skewMs))} ms ${skewMs < 0 ? 'behind' : 'ahead of'} ours`
  return Math.abs(skewMs) <= SKEW_MS
    ? { subject, check: 'clock', status: 'ok', found }
    : { subject, check: 'clock', status: 'warning', found, remedy: 'Let both machines follow NTP.' }
}

/**
 * Looks at who shares which server: eviction is a matter of the whole instance, whatever the database numbers.
 *
 * Tasks and rate limits need `noeviction`: an evicted task is lost, an evicted count is free quota. A cache alone wants an
 * evicting policy.
 */
export async function examineEviction(users: readonly RedisUser[]): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const servers = new Map(users.map((user) => [serverOf(user), user]))
  for (const [server, first] of servers) {
    const sharers = users.filter((user) => serverOf(user) === server)
    const subject = sharers.map((user) => user.subject).join(' + ')
    const memory = fieldsOf(await first.connection.run((client) => infoOf(client, 'memory')))
    const policy = memory.get('maxmemory_policy') ?? 'unknown'
    const limit = Number(memory.get('maxmemory') ?? 0)
    const found = `${policy}, ${limit === 0 ? 'no memory limit' : `${memory.get('maxmemory_human')} at most`}`
    const mustKeep = sharers.filter((user) => user.subject !== 'cache').map((user) => user.subject)
    const evicts = policy !== 'noeviction' && policy !== 'unknown'
    if (evicts && mustKeep.length > 0) {
      findings.push({
        subject,
        check: 'maxmemory-policy',
        status: 'warning',
        found: `${found}: when memory is short, keys of ${mustKeep.join(' and ')} are evicted`,
        remedy: 'Set maxmemory-policy noeviction, and give the cache an instance of its own.',
      })
    } else if (!evicts && mustKeep.length === 0 && limit > 0) {
      findings.push({
        subject,
        check: 'maxmemory-policy',
        status: 'warning',
        found: `${found}: when memory is full, nothing new is cached`,
        remedy: 'Set maxmemory-policy allkeys-lfu (or allkeys-lru).',
      })
    } else {
      findings.push({ subject, check: 'maxmemory-policy', status: 'ok', found })
    }
  }
  return findings
}

/** The instance, whatever the database number. */
function serverOf({ connection }: RedisUser): string {
  return connection.target.replace(/\/\d+$/, '')
}

async function infoOf(client: RedisClient, section: string): Promise<string> {
  return client.info(section)
}

function fieldsOf(info: string): ReadonlyMap<string, string> {
  return new Map(
    info.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':')
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
    }),
  )
}

async function clockSkewOf(connection: RedisConnection): Promise<number> {
  const began = Date.now()
  const [seconds, micros] = await connection.run((client) => client.time())
  const middle = (began + Date.now()) / 2
  return Number(seconds) * 1000 + Number(micros) / 1000 - middle
}
