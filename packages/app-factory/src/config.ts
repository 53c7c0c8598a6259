import { type CacheSettings, type ClientCacheSettings, cacheSection, clientCacheSection } from '@plinth/cache/config'
import { boolean, duration, type Field, field, host, port, type Section, section } from '@plinth/config'
import { type EmailSettings, emailSection } from '@plinth/email/config'
import { type RateLimiterSettings, rateLimiterSection } from '@plinth/rate-limit/config'
import { type TasksSettings, tasksSection } from '@plinth/tasks/config'

/** What the environment says about the app as a whole. */
export interface AppSettings {
  readonly host: string
  readonly port: number
  /** How long the start waits for components before the app serves without them. */
  readonly startBudgetMs: number
  /** How long closing may take in all. */
  readonly closeDeadlineMs: number
  /** How long the app keeps serving after readiness is off; absent: 5 s in Kubernetes, else none. */
  readonly drainDelayMs: number | undefined
  readonly healthDetails: boolean
  readonly inKubernetes: boolean
}

/** The variables of the app as a whole. */
export const appSection: Section<AppSettings> = section({
  title: 'App',
  about: 'Where the app listens, how it starts, and how it ends.',
  fields: {
    host: host('HOST', {
      meaning: 'The address to listen on: 0.0.0.0 for every network, as containers need it.',
      default: '127.0.0.1',
      example: '0.0.0.0',
    }),
    port: port('PORT', { meaning: 'The port to listen on; 0 for any free one.', default: 3000, min: 0 }),
    startBudgetMs: duration('STARTUP_TIMEOUT', {
      meaning: 'How long the start waits for components; what is not there by then joins later.',
      default: '3s',
      max: '5m',
    }),
    closeDeadlineMs: duration('SHUTDOWN_TIMEOUT', {
      meaning: 'How long going down may take in all: finish requests and tasks, then close.',
      default: '10s',
      min: '100ms',
      max: '1h',
    }),
    drainDelayMs: duration('SHUTDOWN_DRAIN_DELAY', {
      meaning:
        'How long the app still takes requests after it has said that it is not ready. Unset: 5 seconds in Kubernetes, else none.',
      max: '10m',
      example: '5',
    }),
    healthDetails: boolean('HEALTH_DETAILS', {
      meaning: 'Whether /healthz names the components and their states, for whoever asks.',
      default: false,
    }),
    inKubernetes: platformMark('KUBERNETES_SERVICE_HOST', 'Set by Kubernetes itself; tells that this is a pod.'),
  },
  rules: [
    {
      id: 'prod-health-details',
      severity: 'warning',
      variables: ['HEALTH_DETAILS'],
      problem: 'is true: whoever can reach /healthz learns which components are in trouble',
      remedy: 'Set it to false, or keep /healthz from the public.',
      broken: ({ healthDetails }) => healthDetails,
    },
  ],
})

/** The values of all sections that the factory reads. */
export interface InfraConfig {
  readonly app: AppSettings
  readonly cache: CacheSettings
  readonly clientCache: ClientCacheSettings
  readonly rateLimiter: RateLimiterSettings
  readonly tasks: TasksSettings
  readonly email: EmailSettings
}

/** Every section that the factory reads: give them to `loadConfig`, with sections of your own beside them. */
export const sections: { readonly [Name in keyof InfraConfig]: Section<InfraConfig[Name]> } = {
  app: appSection,
  cache: cacheSection,
  clientCache: clientCacheSection,
  rateLimiter: rateLimiterSection,
  tasks: tasksSection,
  email: emailSection,
}

/** A variable that a platform sets: true when it is there. */
function platformMark(env: string, meaning: string): Field<boolean> {
  const fallback = { value: false, shown: '' }
  return field<boolean>(
    env,
    { meaning },
    {
      type: 'set by the platform',
      parse: () => ({ ok: true, value: true, shown: 'set' }),
      fallback,
    },
  )
}
