export { type Bytes, parseBytes } from './bytes.js'
export { ConfigError, type Fault } from './config-error.js'
export { type Duration, describeDuration, parseDuration } from './duration.js'
