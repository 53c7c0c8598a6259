import type { Database } from './database.js'

const SCHEMA = [
  `create table if not exists members (
     id serial primary key,
     name text not null,
     email text not null unique,
     tier text not null check (tier in ('free', 'pro')),
     key_hash text not null unique,
     created_at timestamptz not null default now()
   )`,
  `create table if not exists posts (
     id serial primary key,
     member_id integer not null references members (id),
     title text not null,
     body text not null,
     updated_at timestamptz not null default now()
   )`,
  'create index if not exists posts_of_member on posts (member_id, id desc)',
  `create table if not exists exports (
     id text primary key,
     member_id integer not null references members (id),
     csv text not null,
     created_at timestamptz not null default now()
   )`,
  `create table if not exists sends (
     id text not null,
     recipient_hash text not null,
     message_id text,
     template text,
     state text not null,
     at timestamptz not null,
     primary key (id, recipient_hash)
   )`,
  'create index if not exists sends_by_message on sends (message_id, recipient_hash)',
]

/** Any number: whoever prepares the schema holds this lock, so that several processes may start at once. */
const SCHEMA_LOCK = 727_001

/** Creates what is missing, and a few posts to read. Safe to run in several processes at once. */
export async function prepareSchema(database: Database): Promise<void> {
  await database.transaction(async ({ query }) => {
    await query('select pg_advisory_xact_lock($1)', [SCHEMA_LOCK])
    for (const statement of SCHEMA) await query(statement)
    const [{ count } = { count: 0 }] = await query<{ count: number }>('select count(*)::int as count from members')
    if (count > 0) return
    await query(
      `insert into members (name, email, tier, key_hash) values ('Hypatia', 'hypatia@example.com', 'pro', 'no key has this hash')`,
    )
    for (const [title, body] of FIRST_POSTS) {
      await query('insert into posts (member_id, title, body) values (1, $1, $2)', [title, body])
    }
  })
}

const FIRST_POSTS: readonly (readonly [string, string])[] = [
  ['On plinths', 'A column that stands on nothing does not stand for long.'],
  ['On caches', 'An answer that was right is not an answer that is right.'],
  ['On limits', 'Whoever counts after the door has closed has counted for nothing.'],
  ['On queues', 'What was promised is done once, or it is said why not.'],
  ['On letters', 'A letter that nobody sent should not be reported as sent.'],
]
