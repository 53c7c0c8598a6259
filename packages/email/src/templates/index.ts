export { type EmailLayoutOptions, emailLayout } from './ready/layout.js'
export {
  button,
  type CalloutTone,
  callout,
  codeBox,
  heading,
  paragraph,
  plainLink,
  preheader,
  quiet,
} from './ready/partials.js'
export type { PropKind, PropsOf } from './ready/ready-props.js'
export { type ReadyTemplates, type ReadyTemplatesOptions, readyTemplates } from './ready/ready-templates.js'
