import { type DocumentedSection, type DocumentedVariable, documentedSections } from './documented-variables.js'
import type { Sections } from './load-config.js'

const HEAD = `# Configuration

Everything is set by environment variables, read once at the start. Nothing needs to be set: every part is on, on a backend
that needs nothing installed. If anything is wrong, the start fails with one message that lists every fault and its remedy.

- An empty variable is an unset one. A name with \`_FILE\` at its end gives the path of a file that holds the value, such as a
  mounted secret; setting both is a fault.
- A plain number where a length of time is wanted is seconds; \`250ms\`, \`30s\`, \`5m\`, \`1h30m\`, \`7d\` and \`2w\` say their unit.
  Sizes are bytes, or \`64kb\`, \`1mb\`, \`2gb\` in steps of 1024. Switches are \`true\` or \`false\` (also \`1\`, \`yes\`, \`on\` and their opposites).
- Only what is on has to be right: nothing else of a part is read while its switch is \`false\`, and only the settings of the
  chosen backend are read.
- A variable that looks like one of these and is none is a warning; a fault if it is one of them misspelt.
- Secrets are shown nowhere: not in faults, not in explanations, not in logs.`

/** Gives the content of a page about the configuration: how it is read, a table for each section, and the production rules. */
export function describeMarkdown(sections: Sections): string {
  const documented = documentedSections(sections)
  return `${[HEAD, ...documented.map(describeSection), describeRules(documented)].join('\n\n')}\n`
}

function describeSection({ title, about, variables }: DocumentedSection): string {
  const rows = variables.map(describeVariable)
  return [`## ${title}`, '', about, '', '| variable | meaning | value | default |', '|---|---|---|---|', ...rows].join(
    '\n',
  )
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
}: DocumentedVariable): string {
  const notes = [
    required === '' ? '' : `Required${required === 'always' ? '' : ` with \`${required}\``}.`,
    when === '' || when === required ? '' : `Only with \`${when}\`.`,
    preset !== '' || example === '' ? '' : `Example: \`${example}\`.`,
  ]
  const fallback = [preset === '' ? '' : `\`${preset}\``, shared === undefined ? '' : `\`${shared}\``]
  const cells = [
    `\`${variable}\``,
    [meaning, ...notes].filter((note) => note !== '').join(' '),
    type,
    fallback
      .filter((part) => part !== '')
      .reverse()
      .join(', else '),
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function describeRules(documented: readonly DocumentedSection[]): string {
  const rules = documented.flatMap((part) => part.rules)
  const rows = rules.map(({ id, severity, variables, problem, remedy }) => {
    const names = variables.map((variable) => `\`${variable}\``).join(' and ')
    return `| \`${id}\` | ${severity} | ${names} ${problem}. | ${remedy} |`
  })
  const about = `Judged unless \`NODE_ENV\` is \`development\` (or unset) or \`test\`. A fault stops the start. \`CONFIG_IGNORE\` takes the ids of
rules to accept, separated by commas.`
  const head = ['| id | severity | what is wrong | remedy |', '|---|---|---|---|']
  return ['## Production rules', '', about, '', ...head, ...rows].join('\n')
}
