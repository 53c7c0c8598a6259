import { ConfigError } from './config-error.js'
import { showValue } from './show-value.js'

/** A size: a number of bytes, or a text such as `'512b'`, `'64kb'`, `'1mb'`, `'2gb'` in steps of 1024. */
export type Bytes = number | string

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

const TEXT = /^(\d+(?:\.\d+)?) ?(?:b|([kmg])i?b)?$/i

/**
 * Gives a size in whole bytes, a fraction rounded up.
 *
 * `kb` and `KiB` are both 1024 bytes, as body limits in Node have it; text without a unit is bytes.
 *
 * @param what names the option in the error, such as `maxSize of the memory backend`.
 * @throws ConfigError when it is negative, not finite, beyond the safe integers, or not a size at all.
 */
export function parseBytes(value: Bytes, what = 'A size'): number {
  const bytes = typeof value === 'number' ? value : typeof value === 'string' ? parseText(value) : Number.NaN
  if (!(bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER)) {
    throw new ConfigError([
      {
        id: 'invalid-size',
        subjects: [what],
        problem: `must be a size in bytes (got ${showValue(value)})`,
        remedy: `Give a number of bytes, or a number with its unit (b, kb, mb or gb), such as '512kb' or '64mb'.`,
      },
    ])
  }
  return Math.ceil(bytes)
}

function parseText(text: string): number {
  const match = text.length > 64 ? null : TEXT.exec(text)
  if (match === null) return Number.NaN
  const unit = (match[2] ?? '').toLowerCase()
  return Number(match[1]) * (UNITS[unit] ?? Number.NaN)
}
