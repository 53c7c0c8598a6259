import { setTimeout as pause } from 'node:timers/promises'
import { ConfigError, type Env, explain, loadConfig } from '@plinth/config'
import { type Readiness, silentLogger } from '@plinth/core'
import { causeOf } from '../cause-of.js'
import { type InfraConfig, sections } from '../config.js'
import { Connections } from '../connections.js'
import type { Part } from '../part.js'
import { emailPart } from '../parts/email-part.js'
import { tasksPart } from '../parts/tasks-part.js'
import { TrackedWork } from '../tracked-work.js'
import { examineMemcached } from './examine-memcached.js'
import { examinePostmark } from './examine-postmark.js'
import { examineEviction, examineRedis, type RedisUser } from './examine-redis.js'
import type { Finding } from './finding.js'

/** How long each server may take to answer at all. */
const PATIENCE_MS = 5000
const POSTMARK = 'https://api.postmarkapp.com'

/** Options of {@link examine}. */
export interface ExamineOptions {
  /** Where Postmark's API is: for a stand-in on this machine. Default: Postmark itself. */
  readonly postmarkEndpoint?: string
}

/**
 * Examines an environment: reads it, connects to everything that is on, and answers what was found.
 *
 * Changes nothing on the servers, sends no mail, and closes what it opened. Never throws for what it finds.
 */
export async function examine(env: Env, options: ExamineOptions = {}): Promise<readonly Finding[]> {
  let config: InfraConfig
  try {
    config = loadConfig({ env, sections })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map((fault) => ({
      subject: 'config',
      check: fault.subjects.join(', '),
      status: 'fault',
      found: `${fault.problem}.`,
      remedy: fault.remedy,
    }))
  }
  const connections = new Connections(silentLogger)
  try {
    return [
      ...configFindings(config),
      ...(await backendFindings(config, connections)),
      ...(await emailFindings(config, options)),
    ]
  } finally {
    await connections.close()
  }
}

function configFindings(config: InfraConfig): readonly Finding[] {
  const { mode, warnings } = explain(config)
  return [
    { subject: 'config', check: 'environment', status: 'ok', found: `valid, read for ${mode}` },
    ...warnings.map(
      (warning): Finding => ({
        subject: 'config',
        check: warning.subjects.join(', '),
        status: 'warning',
        found: `${warning.problem}.`,
        remedy: warning.remedy,
      }),
    ),
  ]
}

async function backendFindings(config: InfraConfig, connections: Connections): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const redisUsers: RedisUser[] = []
  for (const [subject, settings, backend] of [
    ['cache', config.cache, config.cache.backend],
    ['rate limits', config.rateLimiter, config.rateLimiter.backend],
    ['tasks', config.tasks, config.tasks.broker],
  ] as const) {
    if (!settings.enabled) findings.push(disabled(subject))
    else if (settings.redis !== undefined) {
      const { redis } = settings
      await guarded(subject, findings, async () => {
        const connection = await connections.redis(redis, `doctor ${subject}`)
        await ready(connection)
        redisUsers.push({ subject, settings: redis, connection })
        return examineRedis({ subject, settings: redis, connection })
      })
    } else if ('memcached' in settings && settings.memcached !== undefined) {
      const { memcached } = settings
      await guarded(subject, findings, async () => {
        const connection = await connections.memcached(memcached, `doctor ${subject}`)
        await ready(connection)
        return examineMemcached(subject, connection)
      })
    } else if (backend === 'rabbitmq') {
      await guarded(subject, findings, async () => examineStart(subject, await tasksOf(config, connections)))
    } else findings.push(embedded(subject, backend))
  }
  if (redisUsers.length > 0) await guarded('redis', findings, () => examineEviction(redisUsers))
  return findings
}

async function emailFindings(config: InfraConfig, options: ExamineOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  await guarded('email', findings, () => transportFindings(config, options))
  const { postmark } = config.email
  if (!config.email.enabled || postmark === undefined || findings.some(({ status }) => status === 'fault')) {
    return findings
  }
  const { postmarkEndpoint: endpoint = POSTMARK } = options
  await guarded('email', findings, () => examinePostmark(postmark, { endpoint, patienceMs: PATIENCE_MS }))
  return findings
}

async function transportFindings(config: InfraConfig, options: ExamineOptions): Promise<readonly Finding[]> {
  if (!config.email.enabled) return [disabled('email')]
  const { part } = await emailPart(config.email, {
    logger: silentLogger,
    mode: explain(config).mode,
    queue: 'direct',
    store: undefined,
    track: (work) => new TrackedWork().add(work),
    options,
  })
  if (!part.api.canDeliver) {
    await part.api.close()
    return [embedded('email', `${config.email.transport} (reaches nobody)`)]
  }
  return examineStart('email', part)
}

function tasksOf(config: InfraConfig, connections: Connections): Promise<Part> {
  const options = { tasks: [], deps: undefined, worker: false }
  return tasksPart(config.tasks, { connections, logger: silentLogger, options })
}

/** A part that starts takes our credentials; what stands in its way is the finding. */
async function examineStart(subject: string, part: Part): Promise<readonly Finding[]> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  try {
    const began = performance.now()
    await Promise.race([
      part.start?.(signal),
      pause(PATIENCE_MS, undefined, { ref: false }).then(() =>
        Promise.reject(new Error(`no answer within ${PATIENCE_MS} ms`)),
      ),
    ])
    const where = part.target === undefined ? '' : ` at ${part.target}`
    const ms = Math.round(performance.now() - began)
    return [
      {
        subject,
        check: 'connection',
        status: 'ok',
        found: `${part.backend ?? 'it'}${where} takes our credentials, in ${ms} ms`,
      },
    ]
  } finally {
    await part.close?.(signal)
  }
}

async function ready(connection: Readiness): Promise<void> {
  if (await connection.whenReady({ timeoutMs: PATIENCE_MS })) return
  throw connection.error ?? new Error(`no answer within ${PATIENCE_MS} ms`)
}

async function guarded(subject: string, findings: Finding[], look: () => Promise<readonly Finding[]>): Promise<void> {
  try {
    findings.push(...(await look()))
  } catch (error) {
    const { reason, error: cause } = causeOf(error)
    findings.push({
      subject,
      check: 'connection',
      status: 'fault',
      found: cause?.message ?? reason,
      ...(reason === 'misconfigured' ? {} : { remedy: 'Start it, or correct where the settings point to.' }),
    })
  }
}

function disabled(subject: string): Finding {
  return { subject, check: 'switch', status: 'info', found: 'off' }
}

function embedded(subject: string, backend: string): Finding {
  return { subject, check: 'backend', status: 'ok', found: `${backend}: embedded, nothing to reach` }
}
