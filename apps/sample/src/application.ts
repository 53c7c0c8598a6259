import { createInfra, type Infra } from '@plinth/app-factory'
import type { Env } from '@plinth/config'
import type { Logger } from '@plinth/core'
import { readyTemplates } from '@plinth/email/templates'
import { databaseComponent } from './database/database-component.js'
import { openEmbedded } from './database/open-embedded.js'
import { openPostgres } from './database/open-postgres.js'
import { prepareSchema } from './database/schema.js'
import { exportTask } from './exports/export-task.js'
import { createExports } from './exports/exports.js'
import type { Route } from './http/route.js'
import { sqlSendLog } from './mail/sql-send-log.js'
import { createMembers, type Members } from './members/members.js'
import { policies, tiers } from './policies.js'
import { createPosts } from './posts/posts.js'
import { describeRoutes } from './routes.js'
import { loadSettings, type Settings } from './settings.js'

/** The service without its HTTP framework. */
export interface Application {
  readonly settings: Settings
  readonly infra: Infra
  readonly members: Members
  readonly routes: readonly Route[]
}

/** What a main decides. */
export interface ApplicationOptions {
  readonly env: Env
  /** Whether this process runs tasks. Default `auto`: only when they wait in its own memory. */
  readonly worker?: boolean | 'auto'
  readonly logger?: Logger
}

/** Reads the environment, opens the database, starts what is on, and puts the service together. Closing the infra closes all of it. */
export async function createApplication({ env, worker = 'auto', logger }: ApplicationOptions): Promise<Application> {
  const settings = loadSettings(env)
  const { databaseUrl } = settings.sample
  const database = databaseUrl === undefined ? await openEmbedded() : openPostgres(databaseUrl.reveal())
  try {
    await prepareSchema(database)
    const infra = await createInfra({
      config: settings,
      policies,
      tiers,
      tasks: [exportTask],
      deps: { database },
      worker,
      email: {
        sendLog: sqlSendLog(database),
        templates: Object.values(readyTemplates()),
        variables: { companyName: settings.email.senderName ?? 'the sample service' },
      },
      components: [databaseComponent(database)],
      ...(logger === undefined ? {} : { logger }),
    })
    const members = createMembers(database, infra.cache, infra.email)
    const routes = describeRoutes({
      infra,
      members,
      posts: createPosts(database),
      exports: createExports(database, infra.tasks),
    })
    return { settings, infra, members, routes }
  } catch (error) {
    await database.close()
    throw error
  }
}
