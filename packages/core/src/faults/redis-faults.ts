import type { FaultRule } from './fault.js'
import { networkFaults } from './network-faults.js'

/** What Redis (and ioredis) say when something is wrong. Messages are the servers' own, checked against Redis 7.0. */
export const redisFaults: readonly FaultRule[] = [
  {
    id: 'redis/wrong-password',
    kind: 'misconfigured',
    message:
      /^(?:All sentinels are unreachable.* Last error: )?(WRONGPASS|ERR invalid password|ERR AUTH <password> called without any password)/,
    remedy: 'Check the user name and {password}.',
  },
  {
    id: 'redis/no-password',
    kind: 'misconfigured',
    message: /^(?:All sentinels are unreachable.* Last error: )?(NOAUTH|ERR operation not permitted)/,
    remedy: 'The server asks for a password: set {password}.',
  },
  {
    id: 'redis/no-permission',
    kind: 'misconfigured',
    message: /^NOPERM/,
    callOnly: true,
    remedy: 'Give the user the right to these commands and keys (ACL SETUSER).',
  },
  {
    id: 'redis/protected-mode',
    kind: 'misconfigured',
    message: /^DENIED Redis is running in protected mode/,
    remedy: 'Set a password on the server, or connect from its own machine.',
  },
  {
    id: 'redis/db-out-of-range',
    kind: 'misconfigured',
    message: /^ERR (DB index is out of range|invalid DB index)/,
    remedy: 'Choose {db} below the `databases` setting of the server (16 unless changed).',
  },
  {
    id: 'redis/db-on-cluster',
    kind: 'misconfigured',
    message: /^ERR SELECT is not allowed in cluster mode/,
    remedy: 'Redis Cluster has only DB 0: set {db} to 0 and keep components apart by their key prefix.',
  },
  {
    id: 'redis/not-a-cluster',
    kind: 'misconfigured',
    message: /^ERR This instance has cluster support disabled/,
    remedy: 'The server is no Redis Cluster: change {address}.',
  },
  {
    id: 'redis/is-a-cluster',
    kind: 'misconfigured',
    message: /^(MOVED|ASK) \d+/,
    remedy: 'The server is part of a Redis Cluster: change {address} (redis+cluster://, or the option `cluster`).',
  },
  {
    id: 'redis/not-redis',
    kind: 'misconfigured',
    message: /^(Protocol error, got|Unknown RESP type)/,
    remedy: 'Something else than Redis answers there (or it speaks TLS): check {address}.',
  },
  {
    id: 'redis/sentinel-name',
    kind: 'misconfigured',
    message: /^All sentinels are unreachable.* Last error: ERR No such master/,
    remedy: 'The Sentinels know no master of this name: check {address}.',
  },
  { id: 'redis/loading', kind: 'outage', message: /^LOADING/ },
  { id: 'redis/master-down', kind: 'outage', message: /^MASTERDOWN/ },
  { id: 'redis/read-only', kind: 'outage', message: /^(READONLY|UNBLOCKED)/ },
  { id: 'redis/cluster-down', kind: 'outage', message: /^(CLUSTERDOWN|TRYAGAIN)/ },
  { id: 'redis/max-clients', kind: 'outage', message: /^ERR max number of clients/ },
  { id: 'redis/busy', kind: 'outage', message: /^BUSY / },
  { id: 'redis/out-of-memory', kind: 'outage', message: /^(OOM|ERR OOM)/, callOnly: true },
  { id: 'redis/no-replicas', kind: 'outage', message: /^NOREPLICAS/, callOnly: true },
  { id: 'redis/disk', kind: 'outage', message: /^(MISCONF|IOERR|NOSPACE)/, callOnly: true },
  {
    id: 'redis/closed',
    kind: 'outage',
    message: /^(Connection is closed|Command aborted due to connection close|Stream isn't writeable)/,
  },
  { id: 'redis/timeout', kind: 'outage', message: /^(Command timed out|Socket timeout|timeout$)/ },
  { id: 'redis/retries', kind: 'outage', message: /^Reached the max retries per request/ },
  {
    id: 'redis/cluster-unreachable',
    kind: 'outage',
    message:
      /^(Failed to refresh slots cache|None of startup nodes is available|Cluster isn't ready|Cluster is |Too many Cluster redirections|Node is disconnected|No subscriber for the cluster)/,
  },
  { id: 'redis/sentinel-unreachable', kind: 'outage', message: /^All sentinels are unreachable/ },
  ...networkFaults,
]
