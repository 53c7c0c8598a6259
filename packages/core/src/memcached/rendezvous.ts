/**
 * Spreads keys over servers so that adding or removing one moves only that one's share of the keys.
 *
 * Every server gets a score for the key and the highest wins. What stands in the first `{...}` of a key decides alone, as
 * on Redis Cluster, so that keys which belong together can be kept on one server.
 * Source: Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous" (1996).
 */
export function rendezvous(servers: readonly string[]): (key: string) => number {
  const seeds = servers.map((server) => hash(server))
  if (servers.length === 1) return () => 0
  return (key) => {
    const seed = hash(tagOf(key))
    let best = 0
    let bestScore = -1
    for (let index = 0; index < seeds.length; index += 1) {
      const score = mix(seed ^ (seeds[index] ?? 0))
      if (score > bestScore) {
        best = index
        bestScore = score
      }
    }
    return best
  }
}

function tagOf(key: string): string {
  const open = key.indexOf('{')
  if (open === -1) return key
  const close = key.indexOf('}', open + 1)
  return close <= open + 1 ? key : key.slice(open + 1, close)
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return mix(value)
}

/** The finaliser of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let mixed = value
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
