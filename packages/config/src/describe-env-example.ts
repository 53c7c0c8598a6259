import { type DocumentedVariable, documentedSections } from './documented-variables.js'
import type { Sections } from './load-config.js'

const HEAD = `# Every variable that is read, with its default or an example. Copied to .env as it is, this file changes nothing:
# take the # from the lines you need. A name with _FILE at its end gives the path of a file that holds the value.`

/** Gives the content of a `.env.example`: every variable of the sections, commented out, with its meaning and default. */
export function describeEnvExample(sections: Sections): string {
  const blocks = documentedSections(sections).map(({ title, about, variables }) =>
    [`# ==== ${title} ====`, `# ${about}`, '', ...variables.flatMap(describeVariable)].join('\n').trimEnd(),
  )
  return `${[HEAD, ...blocks].join('\n\n')}\n`
}

function describeVariable({
  variable,
  meaning,
  type,
  preset,
  example,
  required,
  when,
  shared,
}: DocumentedVariable): string[] {
  const notes = [
    type,
    preset === '' ? '' : `default ${preset}`,
    required === '' ? '' : `required${required === 'always' ? '' : ` with ${required}`}`,
    when === '' || when === required ? '' : `only with ${when}`,
    shared === undefined ? '' : `else ${shared} is read`,
  ]
  return [
    `# ${meaning}`,
    `# (${notes.filter((note) => note !== '').join('; ')})`,
    `# ${variable}=${quote(preset || example)}`,
    '',
  ]
}

/** Writes a value so that `.env` parsers read it back. */
function quote(value: string): string {
  return /^[^\s#"'`\\]*$/.test(value) ? value : `"${value}"`
}
