import type { Closable } from '@plinth/core'
import type { Term } from '../../broker.js'
import { sleep } from '../../sleep.js'
import type { ChangeLog } from './change-log.js'

interface Candidate {
  readonly lead: (term: Term) => Promise<void>
  readonly stepDown: AbortController
}

interface Office {
  readonly candidates: Set<Candidate>
  /** Runs while somebody leads. */
  leading: Promise<void> | undefined
}

/** Who leads what, within one process: first come, first elected. */
export class MemoryElections {
  /** What the last leader of each office saved. */
  readonly states: Map<string, string> = new Map()
  readonly #offices = new Map<string, Office>()
  readonly #log: ChangeLog | undefined

  constructor(log?: ChangeLog) {
    this.#log = log
  }

  /** Stands for election; closing the answer steps down, and waits until leading has ended. */
  stand(name: string, lead: Candidate['lead']): Closable {
    const office = this.#office(name)
    let led: Promise<void> = Promise.resolve()
    const standing: Candidate = {
      lead: (term: Term): Promise<void> => {
        led = lead(term)
        return led
      },
      stepDown: new AbortController(),
    }
    office.candidates.add(standing)
    office.leading ??= this.#serve(name, office)
    return {
      close: async () => {
        office.candidates.delete(standing)
        standing.stepDown.abort()
        await led.catch(() => {}) // why it failed was its last term's matter
      },
    }
  }

  #office(name: string): Office {
    let office = this.#offices.get(name)
    if (office === undefined) {
      office = { candidates: new Set(), leading: undefined }
      this.#offices.set(name, office)
    }
    return office
  }

  /** Lets one candidate lead after the other, until there is none. */
  async #serve(name: string, office: Office): Promise<void> {
    for (const leader of everyNext(office.candidates)) {
      const { signal } = leader.stepDown
      const save = async (state: string): Promise<void> => {
        if (signal.aborted) throw new Error('Leadership was given up.')
        this.states.set(name, state)
        this.#log?.note('office', name)
        await this.#log?.committed({ signal, deadlineMs: 5000 })
      }
      await leader.lead({ signal, state: this.states.get(name), save }).catch(() => {})
      if (!signal.aborted) await sleep(1000, signal) // one that gave up by itself is asked again
    }
    office.leading = undefined
  }
}

/** The first candidate, again and again, while there is one. */
function* everyNext(candidates: ReadonlySet<Candidate>): Generator<Candidate> {
  for (let [first] = candidates; first !== undefined; [first] = candidates) yield first
}
