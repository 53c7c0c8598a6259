import type { NextFunction } from 'express'

/** Goes on to the next middleware unless the request has been answered: at once where that is known. */
export function proceed(answered: boolean | Promise<boolean>, next: NextFunction): void {
  if (typeof answered === 'boolean') {
    if (!answered) next()
    return
  }
  answered.then((is) => {
    if (!is) next()
  }, next)
}
