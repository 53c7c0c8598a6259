import { randomBytes } from 'node:crypto'

const PROCESS = randomBytes(4).toString('hex').slice(0, 5)
let made = 0

/** Twelve printable signs that nobody else makes, in this process or another. */
export function newToken(): string {
  made = (made + 1) % 36 ** 7
  return PROCESS + made.toString(36).padStart(7, '0')
}
