import type { RabbitmqServer } from '@plinth/testing'
import { expect, test } from 'vitest'
import type { FaultBed } from './fault-bed.js'
import { serviceAt } from './service.js'
import { workTask } from './work.js'

/** What RabbitMQ confirms although no queue took it. */
export function unroutableFaults(bed: () => FaultBed & { readonly server: RabbitmqServer }): void {
  test('a task that no queue takes is an error, not a confirmed loss; the queue is declared again for the next', {
    timeout: 120_000,
  }, async () => {
    const place = await bed().place()
    const task = workTask()
    const tasks = serviceAt(place, task)
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
}
