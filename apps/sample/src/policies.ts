/**
 * What callers may do, and how often. Reading is limited by tier; what costs much or can be abused has a budget of its own.
 */
export const policies = {
  api: { limits: ['120/1m', '5000/1d fixed'] },
  search: { limits: ['5/10s'] },
  signup: { limits: ['20/10m strict'], onOutage: 'closed', tiered: false },
  export: { limits: ['10/10m', 'concurrency 5'] },
} as const

/** Pro members have ten times the budget of free ones. */
export const tiers = {
  free: {},
  pro: { extends: 'free', scale: 10 },
} as const
