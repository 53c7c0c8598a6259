import type { Cache } from '@plinth/cache'
import { describeFaults, explain, loadConfig } from '@plinth/config'
import { assemble, type Logger, MisconfiguredError } from '@plinth/core'
import type { Mailer } from '@plinth/email'
import type { RateLimiter } from '@plinth/rate-limit'
import type { Tasks } from '@plinth/tasks'
import type { ComponentDefinition } from './component-definition.js'
import { type InfraConfig, sections } from './config.js'
import { Connections } from './connections.js'
import { consoleLogger } from './console-logger.js'
import { emailQueue, emailTask } from './email-tasks.js'
import { type InfraBase, RunningInfra, type WebHandler } from './infra.js'
import type { InfraOptions } from './infra-options.js'
import { orderParts } from './order-parts.js'
import type { Part } from './part.js'
import { cachePart } from './parts/cache-part.js'
import { emailPart } from './parts/email-part.js'
import { rateLimiterPart } from './parts/rate-limiter-part.js'
import { tasksPart } from './parts/tasks-part.js'
import { userPart } from './parts/user-part.js'
import { sharedEmailStore } from './shared-email-store.js'
import { startParts } from './start-parts.js'
import { describeStartTable } from './start-table.js'
import { Supervisor } from './supervisor.js'
import { TrackedWork } from './tracked-work.js'
import { TransitionFeed } from './transition-feed.js'

/** The four built-in components: always there, real, degraded or switched off, of one type. */
export interface BuiltIn {
  readonly config: InfraConfig
  readonly cache: Cache
  readonly rateLimiter: RateLimiter
  readonly tasks: Tasks
  readonly email: Mailer
}

/** The whole: built-in components, your own under their names, health, and the way down. */
export type Infra<Definitions extends readonly ComponentDefinition<string, unknown>[] = readonly []> = InfraBase &
  BuiltIn & {
    readonly [Definition in Definitions[number] as Definition['name']]: ReturnType<Definition['create']>
  }

/**
 * Reads the switches, starts what is on, and answers the whole.
 *
 * Resolves within the start budget (3 s unless configured) whatever the backends do: an outage only degrades. Close it
 * with `close()`, `await using`, or `runUntilSignal`.
 *
 * @throws ConfigError with everything that is wrong in the environment; StartError with everything else that only a person
 * can mend, and with required components that are away.
 */
export async function createInfra<
  const Definitions extends readonly ComponentDefinition<string, unknown>[] = readonly [],
>(options: InfraOptions<Definitions>): Promise<Infra<Definitions>> {
  const config = options.config ?? loadConfig({ env: options.env ?? {}, sections })
  const logger = options.logger ?? consoleLogger()
  for (const warning of explain(config).warnings) logger.warn({ id: warning.id }, describeFaults([warning]))

  const transitions = new TransitionFeed(logger)
  const { whole } = await assemble(async (own) => {
    const connections = own(new Connections(logger))
    const made = await makeParts(config, { ...options, logger }, connections)
    const parts = orderParts(made.parts)
    const supervisors = parts.map(
      (part) =>
        new Supervisor(part, {
          logger,
          ...(options.clock === undefined ? {} : { clock: options.clock }),
          onTransition: (transition) => transitions.tell(transition),
        }),
    )
    const infra = new RunningInfra({
      supervisors,
      transitions,
      handlers: made.handlers,
      tracked: made.tracked,
      closeConnections: () => connections.close(),
      drainDelayMs: config.app.drainDelayMs ?? (config.app.inKubernetes ? KUBERNETES_DRAIN_MS : 0),
      closeDeadlineMs: config.app.closeDeadlineMs,
      healthDetails: config.app.healthDetails,
    })
    own({ close: async () => void (await infra.close()) }) // for a start that fails half way
    await startParts(supervisors, config.app.startBudgetMs, options.clock)
    infra.started()
    return Object.assign(infra, { config }, Object.fromEntries(parts.map((part) => [part.name, part.api])))
  })
  logger.info({}, `started\n${describeStartTable(whole.status())}`)
  return whole as unknown as Infra<Definitions>
}

/** How long a pod keeps serving after readiness is off, so that the endpoints controllers notice. */
const KUBERNETES_DRAIN_MS = 5000

const TAKEN = new Set(['config', 'cache', 'rateLimiter', 'tasks', 'email'])

interface MadeParts {
  readonly parts: readonly Part[]
  readonly handlers: readonly WebHandler[]
  readonly tracked: TrackedWork
}

async function makeParts(
  config: InfraConfig,
  options: InfraOptions<readonly ComponentDefinition<string, unknown>[]> & { readonly logger: Logger },
  connections: Connections,
): Promise<MadeParts> {
  const { env = {}, logger, tasks: listed = [], deps, worker = 'auto', email = {}, components = [] } = options
  const { policies, tiers, routes, overrides } = options
  const late: { mailer?: Mailer; tasks?: Tasks } = {}
  const sending = emailTask(() => present(late.mailer))
  const tracked = new TrackedWork()
  const cache = await cachePart(config.cache, { connections })
  const rateLimiter = await rateLimiterPart(config.rateLimiter, {
    connections,
    logger,
    options: {
      ...(policies && { policies }),
      ...(tiers && { tiers }),
      ...(routes && { routes }),
      ...(overrides && { overrides }),
    },
  })
  const tasks = await tasksPart(config.tasks, {
    connections,
    logger,
    options: { tasks: [...listed, sending], deps, worker },
  })
  const mail = await emailPart(config.email, {
    logger,
    mode: explain(config).mode,
    queue: tasks.enabled ? emailQueue(sending, () => present(late.tasks)) : 'direct',
    store: await sharedEmailStore(config, connections),
    track: (work) => tracked.add(work),
    options: email,
  })
  late.mailer = mail.part.api
  late.tasks = tasks.api
  const own = components.map((definition) => {
    if (TAKEN.has(definition.name) || definition.name in RunningInfra.prototype) {
      throw new MisconfiguredError(
        `A component cannot be named "${definition.name}": the infra has that already. Rename it.`,
      )
    }
    return userPart(definition, { env, logger })
  })
  // Closed backwards: tasks, then the mailer, the limiter and the cache that their handlers use. Your own close last, because
  // handlers use them too (a database), unless they depend on a built-in one.
  return { parts: [...own, cache, rateLimiter, mail.part, tasks], handlers: mail.handlers, tracked }
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('The factory used a component before it was made.')
  return value
}
