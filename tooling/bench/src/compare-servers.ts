import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { spawnTypescript, type TypescriptChild } from '@plinth/testing'
import { type ComparisonRow, fewestPairs } from './measure.js'
import { publishRows } from './publish-rows.js'
import { spreadOf } from './statistics.js'

/** A server to be asked: a TypeScript file that listens and then writes `{"url": "http://..."}` as one line. */
export interface ServerContestant {
  readonly file: URL
  readonly args: readonly string[]
  /** What is asked of it. Default `/`. */
  readonly path?: string
  /** Request fields to send. */
  readonly headers?: Readonly<Record<string, string>>
}

/** One scenario in which two servers answer the same load. */
export interface ServerComparison {
  readonly name: string
  readonly ours: ServerContestant
  /** The others by their name, such as `a bare route`. */
  readonly peers: Readonly<Record<string, ServerContestant>>
  /** How long one round takes, in seconds. Default 1. */
  readonly seconds?: number
  /** Pairs of rounds that count, after one that does not. At least 5, which is the default. */
  readonly pairs?: number
}

/** Connections that ask at the same time, each for one answer after the other. */
const CONNECTIONS = 32

/** Clock ticks of `/proc/PID/stat` in a second, which Linux fixes for all programs. */
const TICKS_PER_SECOND = 100

/**
 * Measures two servers under the load of `wrk`, round by round (A, B, A, B, ...), each server in a process of its own; prints the table
 * and gives the rows, as `compare` does.
 *
 * The ratio is that of requests in a second. Counted beside it is the processor time of one request, which says less about the
 * weather of the machine.
 *
 * @throws Error when wrk is missing, or when a server answered with an error: an error would be a fast answer.
 */
export async function compareServers(comparison: ServerComparison): Promise<ComparisonRow[]> {
  const { name, ours, peers } = comparison
  const isQuick = process.env.PLINTH_BENCH_QUICK === '1'
  const seconds = isQuick ? 1 : (comparison.seconds ?? 1)
  const pairs = isQuick ? 1 : Math.max(comparison.pairs ?? fewestPairs, fewestPairs)
  const rows: ComparisonRow[] = []
  for (const [peer, contestant] of Object.entries(peers)) {
    await using a = await RunningServer.start(ours)
    await using b = await RunningServer.start(contestant)
    for (let warm = 0; warm < 2; warm++) await Promise.all([a.round(seconds), b.round(seconds)])
    const oursRounds: Round[] = []
    const peerRounds: Round[] = []
    for (let pair = 0; pair < pairs; pair++) {
      oursRounds.push(await a.round(seconds))
      peerRounds.push(await b.round(seconds))
    }
    rows.push({
      scenario: name,
      peer,
      ops: Math.round(total(oursRounds, 'requests') / pairs),
      pairs,
      oursPerSecond: spreadOf(oursRounds.map(({ perSecond }) => perSecond)).median,
      peerPerSecond: spreadOf(peerRounds.map(({ perSecond }) => perSecond)).median,
      ratio: spreadOf(oursRounds.map(({ perSecond }, pair) => perSecond / (peerRounds[pair]?.perSecond ?? perSecond))),
      oursCounts: { 'µs of processor': microsecondsPerRequest(oursRounds) },
      peerCounts: { 'µs of processor': microsecondsPerRequest(peerRounds) },
    })
  }
  publishRows(rows)
  return rows
}

interface Round {
  readonly requests: number
  readonly perSecond: number
  readonly cpuSeconds: number
}

class RunningServer implements AsyncDisposable {
  readonly #child: TypescriptChild
  readonly #url: string
  readonly #fields: readonly string[]

  private constructor(child: TypescriptChild, url: string, fields: readonly string[]) {
    this.#child = child
    this.#url = url
    this.#fields = fields
  }

  static async start({ file, args, path = '/', headers = {} }: ServerContestant): Promise<RunningServer> {
    const child = spawnTypescript(file, args)
    const { url } = await child.receive<{ url: string }>()
    const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
    return new RunningServer(child, url + path, fields)
  }

  async round(seconds: number): Promise<Round> {
    const before = this.#cpuSeconds()
    const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, ...this.#fields, this.#url]
    const { stdout } = await promisify(execFile)('wrk', args)
    const cpuSeconds = this.#cpuSeconds() - before
    const requests = Number(/(\d+) requests in/.exec(stdout)?.[1])
    const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
    if (!(requests > 0) || /Non-2xx|Socket errors/.test(stdout)) {
      throw new Error(`Not every request was answered well:\n${stdout}${this.#child.output}`)
    }
    return { requests, perSecond, cpuSeconds }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.close()
  }

  #cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  }
}

function total(rounds: readonly Round[], what: 'requests' | 'cpuSeconds'): number {
  return rounds.reduce((sum, round) => sum + round[what], 0)
}

function microsecondsPerRequest(rounds: readonly Round[]): number {
  return (total(rounds, 'cpuSeconds') / total(rounds, 'requests')) * 1_000_000
}
