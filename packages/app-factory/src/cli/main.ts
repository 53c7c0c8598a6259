import { parseArgs } from 'node:util'
import { ConfigError, describeEnvExample, describeExplanation, type Env, explain, loadConfig } from '@plinth/config'
import { sections } from '../config.js'
import { describeFindings } from './describe-findings.js'
import { examine } from './doctor.js'
import { hasFault } from './finding.js'
import { paintFor } from './paint.js'
import { runWorker } from './worker.js'

/** What the command needs of the process it runs in. */
export interface CliHost {
  readonly env: Env
  readonly stdout: { readonly isTTY?: boolean; write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  /** Where Postmark's API is: for a stand-in on this machine. Default: Postmark itself. */
  readonly postmarkEndpoint?: string
}

const USAGE = `Usage: plinth <command> [--json]

  plinth doctor            reads the environment, connects to everything that is on, and says what is wrong
  plinth config explain    shows every variable, its value (secrets hidden) and where it came from
  plinth config example    prints a .env.example with every variable
  plinth worker <module>   runs the tasks that a module exports, until a signal comes

Options:
  --json    answers for machines
  --help    this text
`

/** Runs the `plinth` command; answers its exit code: 0, 1 for a fault that it found, 2 for a call it does not know. */
export async function runCli(args: readonly string[], host: CliHost): Promise<number> {
  const parsed = parse(args)
  if (typeof parsed === 'string') {
    host.stderr.write(`plinth: ${parsed}\n\n${USAGE}`)
    return 2
  }
  const { command, operands, json, help } = parsed
  if (help) {
    host.stdout.write(USAGE)
    return 0
  }
  switch (command) {
    case 'doctor':
      return doctor(host, json)
    case 'config explain':
      return explainConfig(host, json)
    case 'config example':
      host.stdout.write(describeEnvExample(sections))
      return 0
    case 'worker':
      if (operands[0] !== undefined && operands.length === 1) return runWorker(operands[0], host)
      host.stderr.write(`plinth worker needs one module that exports the tasks.\n\n${USAGE}`)
      return 2
    default:
      host.stderr.write(command === '' ? USAGE : `plinth: there is no command "${command}".\n\n${USAGE}`)
      return 2
  }
}

async function doctor(host: CliHost, json: boolean): Promise<number> {
  const findings = await examine(host.env, host)
  const text = json
    ? JSON.stringify({ ok: !hasFault(findings), findings }, null, 2)
    : describeFindings(findings, paintFor(host.stdout, host.env))
  host.stdout.write(`${text}\n`)
  return hasFault(findings) ? 1 : 0
}

function explainConfig(host: CliHost, json: boolean): number {
  try {
    const explanation = explain(loadConfig({ env: host.env, sections }))
    host.stdout.write(`${json ? JSON.stringify(explanation, null, 2) : describeExplanation(explanation)}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    if (json) host.stdout.write(`${JSON.stringify({ ok: false, faults: error.faults }, null, 2)}\n`)
    else host.stderr.write(`${error.message}\n`)
    return 1
  }
}

interface Call {
  readonly command: string
  /** What the command is about, where it takes that. */
  readonly operands: readonly string[]
  readonly json: boolean
  readonly help: boolean
}

/** Reads a call; what is wrong with it as one sentence. */
function parse(args: readonly string[]): Call | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    })
    const [first = '', ...rest] = positionals
    const takesOperands = first === 'worker'
    return {
      command: takesOperands ? first : positionals.join(' '),
      operands: takesOperands ? rest : [],
      json: values.json,
      help: values.help,
    }
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split('. ')
    return `${sentence.replace(/\.$/, '')}.`
  }
}
