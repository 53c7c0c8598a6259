import type { RabbitmqServer } from '@plinth/testing'
import { expect, test } from 'vitest'
import { eventually } from './eventually.js'
import type { FaultBed } from './fault-bed.js'
import { faultScene } from './fault-scene.js'
import { readRuns } from './run-ledger.js'
import { submit } from './submit.js'

/** What RabbitMQ does not take. */
export function refusalFaults(bed: () => FaultBed & { readonly server: RabbitmqServer }): void {
  test('a task that no queue takes is an error, not a confirmed loss; the queue is declared again for the next', {
    timeout: 120_000,
  }, async () => {
    const { place, task, tasks } = await faultScene(bed())
    await tasks.enqueue(task, {})
    const vhost = new URL(place.url).pathname.slice(1)
    await bed().server.api('DELETE', `/api/queues/${vhost}/plinth.v1.default.normal`)
    const refused = { code: 'BACKEND_UNAVAILABLE', reason: 'refused' }
    await expect(tasks.enqueue(task, {})).rejects.toMatchObject(refused)
    const handle = await tasks.enqueue(task, {})
    await tasks.worker().start()
    await handle.result({ timeout: '60s' })
    await tasks.close()
  })

  test('a task whose outcome is refused goes back to its queue, and is retried once the server takes it again', {
    timeout: 120_000,
  }, async () => {
    const { place, ledger, task, tasks } = await faultScene(bed())
    const vhost = new URL(place.url).pathname.slice(1)
    const permit = (configure: string): Promise<unknown> =>
      bed().server.api('PUT', `/api/permissions/${vhost}/guest`, { configure, write: '.*', read: '.*' })
    await tasks.worker().start()
    const [warm = ''] = await submit(tasks, task, [{}])
    await tasks.handle(task, warm).result({ timeout: '60s' })
    await permit('^plinth\\.(v1|ledger)\\.') // the queues of delays, in which a retry waits, are not among them
    const [id = ''] = await submit(tasks, task, [{ failures: 1 }])
    const runs = (): readonly number[] => readRuns(ledger).flatMap((run) => (run.id === id ? [run.attempt] : []))
    await eventually(() => runs().length >= 3) // the first attempt, again and again: none was counted
    await permit('.*')
    await tasks.handle(task, id).result({ timeout: '60s' })
    expect(new Set(runs().slice(0, -1))).toEqual(new Set([1]))
    expect(runs().at(-1)).toBe(2)
    await tasks.close()
  })
}
