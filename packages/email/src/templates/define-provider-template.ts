import type { StandardSchemaV1 } from '@standard-schema/spec'
import { EmailError } from '../email-error.js'
import { templateName } from './define-template.js'
import type { EmailTemplate } from './template.js'
import { checkProps } from './template-props.js'

/** How a template that the provider keeps is written down. */
export interface DefineProviderTemplateOptions<Schema extends StandardSchemaV1> {
  /** Names it in logs, tags and errors, such as `receipt`. */
  readonly name: string
  /** The provider's name of it: in Postmark, the template's alias. Default: `name`. */
  readonly alias?: string
  /** What the template's model must hold, as any Standard Schema whose output is an object. */
  readonly props: Schema
  /** A model to preview and test it with. */
  readonly example: StandardSchemaV1.InferInput<Schema>
  /** The message stream its messages belong to. Default: the mailer's. */
  readonly stream?: string
}

/**
 * Gives a template that the provider renders: the checked props, the variables every template has (`company_name`,
 * `current_year`, `domain`, `unsubscribe_url`), and the provider's name of it go out instead of a body.
 *
 * Postmark sends it; the outbox, the console and the memory transport show its model; SMTP refuses it.
 */
export function defineProviderTemplate<Schema extends StandardSchemaV1>(
  options: DefineProviderTemplateOptions<Schema>,
): EmailTemplate<StandardSchemaV1.InferInput<Schema>> {
  const name = templateName(options.name)
  const alias = options.alias ?? name
  if (!/^[a-z][a-z0-9._-]{0,99}$/i.test(alias)) {
    throw new EmailError('template', `The alias of template "${name}" must begin with a letter and have no blanks.`)
  }
  return {
    name,
    example: options.example,
    stream: options.stream,
    async render(props, { companyName, year, domain, unsubscribeUrl }) {
      const model: unknown = await checkProps(name, options.props, props)
      if (typeof model !== 'object' || model === null) {
        throw new EmailError('template', `Template "${name}" must have an object as its model.`)
      }
      const variables = { company_name: companyName, current_year: year, domain, unsubscribe_url: unsubscribeUrl }
      return { kind: 'provider', alias, model: { ...variables, ...model } }
    },
  }
}
