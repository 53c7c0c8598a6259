export { type Bytes, parseBytes } from './bytes.js'
export { ConfigError, describeFaults, type Fault } from './config-error.js'
export { type Duration, describeDuration, parseDuration } from './duration.js'
export { isSecret, reveal, Secret } from './secret.js'
