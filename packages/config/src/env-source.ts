import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { Fault } from './config-error.js'

/** Variables by name, like `process.env`. Never changed. */
export type Env = Readonly<Record<string, string | undefined>>

/** Where a value came from. */
export type Origin =
  | { readonly from: 'env' | 'shared'; readonly variable: string }
  | { readonly from: 'secret-file'; readonly variable: string }
  | { readonly from: 'env-file'; readonly variable: string; readonly file: string }
  | { readonly from: 'default' }
  | { readonly from: 'unset' }
  | { readonly from: 'unused'; readonly because: string }

/** The text of a variable and where it came from; or why it cannot be had; or neither when it is unset. */
export interface Finding {
  readonly text?: string
  readonly origin?: Origin
  readonly fault?: Fault
}

/** The most that is read of a file. */
const MAX_FILE_BYTES = 64 * 1024

/**
 * Finds the text of variables: in the environment first, then in `.env` files, the last file first.
 *
 * Blank is unset. `X_FILE` names a file that holds X; one newline at its end is dropped.
 */
export class EnvSource {
  readonly #layers: readonly { readonly variables: Env; readonly file?: string }[]
  readonly #faults: Fault[] = []

  constructor(env: Env, envFiles: readonly string[] = []) {
    const files = envFiles.map((file) => ({ file, variables: this.#readEnvFile(file) }))
    this.#layers = [{ variables: env }, ...files.reverse()]
  }

  /** What is wrong with the `.env` files themselves. One that does not exist is no fault. */
  get faults(): readonly Fault[] {
    return this.#faults
  }

  /** Every variable that is set, in any layer. */
  get names(): ReadonlySet<string> {
    const set = this.#layers.flatMap(({ variables }) =>
      Object.keys(variables).filter((name) => present(variables, name) !== undefined),
    )
    return new Set(set)
  }

  find(name: string): Finding {
    for (const { variables, file } of this.#layers) {
      const text = present(variables, name)
      const path = present(variables, `${name}_FILE`)
      if (text !== undefined && path !== undefined) {
        return {
          fault: {
            id: 'set-twice',
            subjects: [name, `${name}_FILE`],
            problem: 'are both set',
            remedy: 'Keep one of them.',
          },
        }
      }
      if (path !== undefined) return readSecretFile(name, path)
      if (text !== undefined) {
        return {
          text,
          origin: file === undefined ? { from: 'env', variable: name } : { from: 'env-file', variable: name, file },
        }
      }
    }
    return {}
  }

  #readEnvFile(file: string): Env {
    const content = readSmallFile(file)
    if (content.ok) return parseEnv(content.text) as Env
    if (content.reason === 'ENOENT') return {}
    this.#faults.push({
      id: 'unreadable-env-file',
      subjects: [file],
      problem: `cannot be read (${content.reason})`,
      remedy: 'Give a readable text file of at most 64 KiB, or leave it out.',
    })
    return {}
  }
}

function present(variables: Env, name: string): string | undefined {
  const text = variables[name]
  return typeof text === 'string' && text.trim() !== '' ? text : undefined
}

function readSecretFile(name: string, path: string): Finding {
  const variable = `${name}_FILE`
  const content = readSmallFile(path)
  if (!content.ok) {
    // The path is not quoted: people put the secret itself there.
    const remedy = `Set ${variable} to the path of a readable file of at most 64 KiB, or set ${name} itself.`
    return {
      fault: {
        id: 'unreadable-file',
        subjects: [variable],
        problem: `names a file that cannot be read (${content.reason})`,
        remedy,
      },
    }
  }
  const text = content.text.replace(/\r?\n$/, '')
  return text.trim() === '' ? {} : { text, origin: { from: 'secret-file', variable } }
}

/** Reads regular files only, and opens without waiting: a pipe or a device would hold up the start for ever. */
function readSmallFile(path: string): { ok: true; text: string } | { ok: false; reason: string } {
  let handle: number | undefined
  try {
    handle = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    if (!fstatSync(handle).isFile()) return { ok: false, reason: 'not a regular file' }
    const buffer = Buffer.alloc(MAX_FILE_BYTES + 1)
    const length = readSync(handle, buffer, 0, buffer.length, 0)
    if (length > MAX_FILE_BYTES) return { ok: false, reason: 'larger than 64 KiB' }
    return { ok: true, text: buffer.toString('utf8', 0, length) }
  } catch (error) {
    return { ok: false, reason: (error as NodeJS.ErrnoException).code ?? 'invalid path' }
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}
