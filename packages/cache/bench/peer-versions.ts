import { readFileSync } from 'node:fs'

/** Says beside which versions a benchmark runs. */
export function printVersions(...names: readonly string[]): void {
  console.log(`cache: beside ${names.map((name) => `${name} ${versionOf(name)}`).join(', ')}`)
}

function versionOf(name: string): string {
  const place = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(place, 'utf8')) as { readonly version: string }).version
}
