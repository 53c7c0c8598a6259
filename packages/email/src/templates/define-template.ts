import type { StandardSchemaV1 } from '@standard-schema/spec'
import { EmailError } from '../email-error.js'
import type { RenderedContent } from '../message/message.js'
import { Html } from './html.js'
import { htmlToText } from './html-to-text.js'
import type { EmailTemplate, TemplateVariables } from './template.js'
import { checkProps } from './template-props.js'

/** A part of a template: gives its text (or markup) from the checked props. */
export type TemplatePart<Props, Result> = (props: Props, variables: TemplateVariables) => Result | Promise<Result>

/** Puts the body of a message into what surrounds all messages: a head, a logo, a footer. */
export type TemplateLayout = (body: Html, variables: TemplateVariables & { readonly subject: string }) => Html

/** How a template is written: with `html` for markup by the {@link html} tag, or `render` for any engine. */
export type DefineTemplateOptions<Schema extends StandardSchemaV1> = TemplateIdentity<Schema> & TemplateBody<Schema>

interface TemplateIdentity<Schema extends StandardSchemaV1> {
  /** Names it in logs, tags and errors: lower case, digits, `-`, `_` and `.`, such as `welcome`. */
  readonly name: string
  /** What a message must know, as any Standard Schema: zod, valibot, arktype. */
  readonly props: Schema
  readonly subject: string | TemplatePart<StandardSchemaV1.InferOutput<Schema>, string>
  /** The text part. Default: made from the HTML. */
  readonly text?: TemplatePart<StandardSchemaV1.InferOutput<Schema>, string>
  /** Props to preview it with: the mailbox page renders them. */
  readonly example: StandardSchemaV1.InferInput<Schema>
  /** The message stream its messages belong to, such as `broadcast`. Default: the mailer's. */
  readonly stream?: string
}

type TemplateBody<Schema extends StandardSchemaV1> =
  | {
      /** The HTML part, escaped by the tag. */
      readonly html: TemplatePart<StandardSchemaV1.InferOutput<Schema>, Html>
      /** What surrounds it. Default: a bare document. */
      readonly layout?: TemplateLayout
      readonly render?: never
    }
  | {
      /** The whole HTML document as an engine gives it: React Email, MJML, Handlebars. Nothing is escaped here: the engine does. */
      readonly render: TemplatePart<StandardSchemaV1.InferOutput<Schema>, string>
      readonly html?: never
      readonly layout?: never
    }
  | {
      readonly text: TemplatePart<StandardSchemaV1.InferOutput<Schema>, string>
      readonly html?: never
      readonly render?: never
      readonly layout?: never
    }

/**
 * Gives a template: its props checked at every use, its values escaped, its text part made when none is written.
 *
 * @throws EmailError of kind `template` when the name is not one.
 */
export function defineTemplate<Schema extends StandardSchemaV1>(
  options: DefineTemplateOptions<Schema>,
): EmailTemplate<StandardSchemaV1.InferInput<Schema>> {
  return new CodeTemplate(options)
}

class CodeTemplate<Schema extends StandardSchemaV1> implements EmailTemplate<StandardSchemaV1.InferInput<Schema>> {
  readonly name: string
  readonly example: StandardSchemaV1.InferInput<Schema>
  readonly stream: string | undefined
  readonly #options: DefineTemplateOptions<Schema>

  constructor(options: DefineTemplateOptions<Schema>) {
    this.name = templateName(options.name)
    this.example = options.example
    this.stream = options.stream
    this.#options = options
  }

  async render(props: StandardSchemaV1.InferInput<Schema>, variables: TemplateVariables): Promise<RenderedContent> {
    const checked = await checkProps(this.name, this.#options.props, props)
    try {
      return await this.#fill(checked, variables)
    } catch (error) {
      if (error instanceof EmailError) throw error
      throw new EmailError('template', `Template "${this.name}" failed while rendering.`, { cause: error })
    }
  }

  async #fill(props: StandardSchemaV1.InferOutput<Schema>, variables: TemplateVariables): Promise<RenderedContent> {
    const { subject: subjectPart, text: textPart } = this.#options
    const subject = typeof subjectPart === 'string' ? subjectPart : await subjectPart(props, variables)
    const html = await this.#html(props, { ...variables, subject })
    const text = textPart === undefined ? htmlToText(html ?? '') : await textPart(props, variables)
    return { kind: 'rendered', subject, html, text }
  }

  async #html(
    props: StandardSchemaV1.InferOutput<Schema>,
    variables: TemplateVariables & { readonly subject: string },
  ): Promise<string | undefined> {
    const { html, render, layout } = this.#options
    if (render !== undefined) return await render(props, variables)
    if (html === undefined) return undefined
    const body = await html(props, variables)
    if (!(body instanceof Html)) {
      throw new EmailError('template', `Template "${this.name}" must make its markup with the html tag.`)
    }
    return (layout === undefined ? body : layout(body, variables)).toString()
  }
}

/** Checks the name of a template: it becomes a tag, a file name and a log field. */
export function templateName(name: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) return name
  throw new EmailError('template', 'A template name must be lower case letters, digits, "-", "_" and "." (at most 64).')
}
