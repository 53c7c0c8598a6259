import type { Task, Tasks } from '../../src/index.js'
import type { BrokerPlace } from './broker-place.js'
import type { FaultBed } from './fault-bed.js'
import { freshLedger } from './run-ledger.js'
import { serviceAt } from './service.js'
import { type Work, workTask } from './work.js'

/** What most fault tests begin with. */
export interface FaultScene {
  /** An empty place of the bed. */
  readonly place: BrokerPlace
  /** Where every run is written down, in whichever process it is. */
  readonly ledger: string
  readonly task: Task<Work, void>
  /** A service of this process over the place. It runs nothing before it is given a worker. */
  readonly tasks: Tasks
}

/** Sets the scene on a bed; `hasty` is that of {@link BrokerPlace}. */
export async function faultScene(bed: FaultBed, options?: { readonly hasty?: boolean }): Promise<FaultScene> {
  const place = await bed.place(options)
  const ledger = freshLedger()
  const task = workTask(ledger)
  return { place, ledger, task, tasks: serviceAt(place, task) }
}
