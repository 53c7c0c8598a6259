/** A module whose `createInfra` makes none. */
export function createInfra(): object {
  return {}
}
