import type { TaskStatus, Tasks } from '@plinth/tasks'
import type { Database } from '../database/database.js'
import { type ExportProgress, exportTask } from './export-task.js'

/** How an export stands. */
export interface ExportState {
  readonly id: string
  /** The task's own word; `disabled` while tasks are off. */
  readonly status: TaskStatus
  readonly progress?: ExportProgress
}

/** Exports of posts, made in the background. */
export interface Exports {
  /** One runs per member at a time: asking again gives the running one. */
  start(memberId: number): Promise<ExportState>
  state(id: string): Promise<ExportState>
  /** The finished file, if it is this member's. */
  file(id: string, memberId: number): Promise<string | undefined>
}

/** Starts exports as tasks and follows them. */
export function createExports(database: Database, tasks: Tasks): Exports {
  return {
    async start(memberId) {
      const handle = await tasks.enqueue(exportTask, { memberId }, { unique: `export:${memberId}` })
      return { id: handle.id, status: await handle.status() }
    },
    async state(id) {
      const handle = tasks.handle(exportTask, id)
      const [status, progress] = await Promise.all([handle.status(), handle.progress()])
      return { id, status, ...(progress === undefined ? {} : { progress: progress as ExportProgress }) }
    },
    async file(id, memberId) {
      const [row] = await database.query<{ csv: string }>('select csv from exports where id = $1 and member_id = $2', [
        id,
        memberId,
      ])
      return row?.csv
    },
  }
}
