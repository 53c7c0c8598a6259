/** Colours a text for a terminal, or leaves it alone. */
export type Paint = (colour: 'green' | 'yellow' | 'red' | 'dim' | 'bold', text: string) => string

const CODES = { green: 32, yellow: 33, red: 31, dim: 2, bold: 1 } as const

/** Gives the paint for a stream: colours on a terminal that wants them (`NO_COLOR` unset), plain text elsewhere. */
export function paintFor(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Paint {
  const colours = stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
  return colours ? (colour, text) => `\u001b[${CODES[colour]}m${text}\u001b[0m` : (_, text) => text
}
