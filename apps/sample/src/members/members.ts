import { createHash, randomBytes } from 'node:crypto'
import type { Cache } from '@plinth/cache'
import type { Mailer } from '@plinth/email'
import { readyTemplates } from '@plinth/email/templates'
import type { Database } from '../database/database.js'
import { HttpProblem } from '../http/http-problem.js'
import type { Member, Tier } from './member.js'

/** A new member's key. It is shown once: only its hash is kept. */
export interface SignUp {
  readonly member: Member
  readonly apiKey: string
  /** What became of the welcome mail: `queued`, `sent`, or `skipped` when email is off. */
  readonly mail: string
}

/** Accounts and their API keys. */
export interface Members {
  signUp(name: string, email: string, tier: Tier): Promise<SignUp>
  /** Whose key this is; asked on every request, so it is cached for a minute. */
  byApiKey(apiKey: string): Promise<Member | undefined>
}

/** Puts members into the database, and remembers for a while whose key is whose. */
export function createMembers(database: Database, cache: Cache, mailer: Mailer): Members {
  const { welcome } = readyTemplates()
  const byHash = cache.define(
    'member-by-key:{hash}',
    { ttl: '1m', tags: ['members'] },
    async ({ hash }: { hash: string }) => {
      const [member] = await database.query<Member & Record<string, unknown>>(
        'select id, name, email, tier from members where key_hash = $1',
        [hash],
      )
      return member ?? null
    },
  )

  return {
    async signUp(name, email, tier) {
      const apiKey = `pk_${randomBytes(18).toString('base64url')}`
      const [member] = await database.query<Member & Record<string, unknown>>(
        `insert into members (name, email, tier, key_hash) values ($1, $2, $3, $4)
         on conflict (email) do nothing returning id, name, email, tier`,
        [name, email, tier, hashOf(apiKey)],
      )
      if (member === undefined) throw new HttpProblem(409, 'There is a member with this address already.')
      const { status } = await mailer.send(
        welcome,
        { to: { name, address: email }, props: { name } },
        { queue: true, idempotencyKey: `welcome:${member.id}` },
      )
      return { member, apiKey, mail: status }
    },
    byApiKey: async (apiKey) => (await byHash({ hash: hashOf(apiKey) })) ?? undefined,
  }
}

function hashOf(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('base64url')
}
