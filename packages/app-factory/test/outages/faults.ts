import type { Env } from '@plinth/config'
import { type BackendRig, clusterRig, memcachedRig, redisRig } from './backend-rig.js'

/** An outage, and its end. */
export interface Outage {
  readonly begin: (rig: BackendRig) => Promise<void>
  readonly end: (rig: BackendRig) => Promise<void>
  /** When an app meets it. */
  readonly at: 'start' | 'running' | 'both'
  /** The components that it takes away from their backend. Default: all that live on it. */
  readonly takes?: readonly string[]
  /** How long the start waits, in milliseconds. Default 600. */
  readonly budgetMs?: number
  /** Whether the backend answers all the same, in its own time. */
  readonly isSlow?: boolean
}

/** A mistake of whoever configured the app: the start fails and names these variables. */
export interface Mistake {
  readonly env: Env
  readonly names: readonly string[]
}

/** One cell of the matrix: what happens to one backend, or why it cannot. */
export type Cell = Outage | Mistake | { readonly absent: string }

/** Everything that the matrix asks of each backend. */
export const FAULTS = [
  'never up',
  'refused',
  'a black hole',
  'frozen (SIGSTOP)',
  '200 ms slow',
  'killed mid-command',
  'reset',
  'loading its data',
  'a read-only replica after a failover',
  'full of clients',
  'a wrong password',
  'database 99',
  'restarted',
] as const

/** One backend: how to get one, and its row of the matrix. */
export interface MatrixRow {
  readonly makeRig: () => Promise<BackendRig>
  readonly cells: Readonly<Record<(typeof FAULTS)[number], Cell>>
}

const network = {
  refused: { begin: ({ network }) => network.refuse(), end: ({ network }) => network.pass(), at: 'both' },
  'a black hole': { begin: ({ network }) => network.blackHole(), end: ({ network }) => network.pass(), at: 'both' },
  // Only a limit has less time than that, 75 ms.
  '200 ms slow': {
    begin: ({ network }) => network.delay(200),
    end: ({ network }) => network.pass(),
    at: 'running',
    takes: ['rateLimiter'],
    isSlow: true,
  },
  reset: { begin: ({ network }) => network.reset(), end: ({ network }) => network.pass(), at: 'both' },
} satisfies Record<string, Outage>

const processes = {
  'never up': {
    begin: ({ server }) => server.stop(),
    end: ({ server }) => server.restart(),
    at: 'start',
    budgetMs: 3_000,
  },
  'frozen (SIGSTOP)': {
    begin: ({ server }) => server.freeze(),
    async end({ server }) {
      await server.thaw()
      await server.serves()
    },
    at: 'both',
  },
  'killed mid-command': { begin: ({ server }) => server.kill(), end: ({ server }) => server.restart(), at: 'running' },
  restarted: { begin: ({ server }) => server.stop(), end: ({ server }) => server.restart(), at: 'running' },
  'full of clients': { begin: ({ server }) => server.fill(), end: ({ server }) => server.leave(), at: 'both' },
} satisfies Record<string, Outage>

const loading: Outage = {
  begin: ({ server }) => server.restartLoading(),
  end: ({ server }) => server.serves(),
  at: 'both',
}

const WRONG = { password: 'hunter2-that-nobody-may-see-and-wrong' }

/** The matrix, a row for each backend. */
export const matrix: Readonly<Record<'Redis' | 'Redis Cluster' | 'Memcached', MatrixRow>> = {
  Redis: {
    makeRig: redisRig,
    cells: {
      ...network,
      ...processes,
      'loading its data': loading,
      'a read-only replica after a failover': {
        begin: ({ server }) => server.demote(),
        end: ({ server }) => server.promote(),
        at: 'both',
      },
      'a wrong password': { env: { CACHE_REDIS_PASSWORD: WRONG.password }, names: ['CACHE_REDIS_PASSWORD'] },
      'database 99': { env: { RATE_LIMITER_REDIS_DB: '99' }, names: ['RATE_LIMITER_REDIS_DB'] },
    },
  },
  'Redis Cluster': {
    makeRig: clusterRig,
    cells: {
      ...network,
      ...processes,
      'loading its data': loading,
      'a read-only replica after a failover': {
        begin: ({ server }) => server.demote(),
        end: ({ server }) => server.promote(),
        at: 'running',
        takes: [], // the replicas are masters then, and the client follows them
      },
      'a wrong password': { env: { CACHE_REDIS_PASSWORD: WRONG.password }, names: ['CACHE_REDIS_PASSWORD'] },
      'database 99': { env: { TASKS_REDIS_DB: '99' }, names: ['TASKS_REDIS_DB'] },
    },
  },
  Memcached: {
    makeRig: memcachedRig,
    cells: {
      ...network,
      ...processes,
      'loading its data': { absent: 'Memcached keeps nothing on disk: it serves as soon as it listens.' },
      'a read-only replica after a failover': { absent: 'Memcached has no replicas; each server takes writes.' },
      'a wrong password': { env: { CACHE_MEMCACHED_PASSWORD: WRONG.password }, names: ['CACHE_MEMCACHED_PASSWORD'] },
      'database 99': { absent: 'Memcached has no databases, and the factory no variable for one.' },
    },
  },
}
