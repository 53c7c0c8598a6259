import type { Limit } from '../../policy/limit.js'
import { blockScript } from './block-script.js'
import { concurrencyScript } from './concurrency-script.js'
import { calendarScript, fixedScript } from './fixed-script.js'
import { gcraScript } from './gcra-script.js'
import type { LimitScript } from './limit-script.js'
import { slidingScript } from './sliding-script.js'
import { strictScript } from './strict-script.js'

/** How a limit is counted in Lua. */
export function limitScriptOf({ algorithm, calendar }: Limit): LimitScript {
  switch (algorithm) {
    case 'fixed':
      return calendar === undefined ? fixedScript : calendarScript
    case 'sliding':
      return slidingScript
    case 'gcra':
      return gcraScript
    case 'strict':
      return strictScript
    case 'concurrency':
      return concurrencyScript
    case 'block':
      return blockScript
  }
}

/** All there are, for scripts that are told which. */
export const everyLimitScript: readonly LimitScript[] = [
  slidingScript,
  fixedScript,
  calendarScript,
  gcraScript,
  strictScript,
  concurrencyScript,
  blockScript,
]
