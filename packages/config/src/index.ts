export { type Bytes, parseBytes } from './bytes.js'
export { ConfigError, describeFaults, type Fault } from './config-error.js'
export { type ConfigSettings, configSection } from './config-section.js'
export { describeEnvExample } from './describe-env-example.js'
export { describeMarkdown } from './describe-markdown.js'
export { type Duration, describeDuration, parseDuration } from './duration.js'
export type { Env, Origin } from './env-source.js'
export {
  describeExplanation,
  type ExplainedVariable,
  type Explanation,
  explain,
  type Mode,
} from './explanation.js'
export {
  type Certain,
  type Condition,
  type Field,
  type FieldKind,
  type FieldOptions,
  type FieldValues,
  field,
  type Parsed,
  type SharedVariable,
} from './field.js'
export { boolean } from './fields/boolean.js'
export { choice } from './fields/choice.js'
export { type CustomOptions, custom } from './fields/custom.js'
export { host } from './fields/host.js'
export { type ListOptions, list } from './fields/list.js'
export { bytes, duration, integer, type NumberOptions, port } from './fields/number.js'
export { type SecretOptions, secret } from './fields/secret.js'
export { type TextOptions, text } from './fields/text.js'
export { type UrlOptions, url } from './fields/url.js'
export { type Fields, type Group, type GroupOptions, type GroupReading, group, type Resolving } from './group.js'
export { type Config, type LoadConfigOptions, loadConfig, type Sections } from './load-config.js'
export type { ProductionRule } from './production-rule.js'
export { isSecret, reveal, Secret } from './secret.js'
export {
  fieldsOf,
  type Members,
  type Section,
  type SectionOptions,
  type SectionValues,
  section,
  type ValuesOf,
} from './section.js'
