import { boolean } from './fields/boolean.js'
import { list } from './fields/list.js'
import { text } from './fields/text.js'
import { type Section, section } from './section.js'

/** How configuration itself is judged. */
export interface ConfigSettings {
  readonly environment: string
  readonly strict: boolean
  readonly ignore: readonly string[]
}

/** The variables that every call of `loadConfig` reads besides its sections. */
export const configSection: Section<ConfigSettings> = section({
  title: 'Configuration',
  about: 'How the configuration itself is judged.',
  fields: {
    environment: text('NODE_ENV', {
      meaning: 'The kind of place this runs in. Anything but development and test gets the production rules.',
      default: 'development',
      example: 'production',
    }),
    strict: boolean('CONFIG_STRICT', {
      meaning: 'Makes every warning about the configuration a fault.',
      default: false,
    }),
    ignore: list('CONFIG_IGNORE', {
      meaning: 'Ids of production rules, and names of unknown variables, that are accepted as they are.',
      default: [],
      example: 'prod-email-transport',
    }),
  },
})
