import { sections } from '@plinth/app-factory/config'
import { type Config, type Env, loadConfig, section, url } from '@plinth/config'

/** The variables of the sample itself. */
export const sampleSection = section({
  title: 'Sample',
  about: 'The sample service.',
  fields: {
    databaseUrl: url('DATABASE_URL', {
      meaning: 'The PostgreSQL server. Unset, an embedded database lives and ends with the process.',
      schemes: ['postgres', 'postgresql'],
      example: 'postgres://plinth:plinth@127.0.0.1:5432/plinth',
    }),
  },
})

/** Everything the environment says, of Plinth and of the sample. */
export type Settings = Config<typeof sections & { readonly sample: typeof sampleSection }>

/** Reads and checks the environment. @throws ConfigError with everything that is wrong. */
export function loadSettings(env: Env): Settings {
  return loadConfig({ env, sections: { ...sections, sample: sampleSection } })
}
