import { setTimeout as pause } from 'node:timers/promises'
import { defineTask } from '@plinth/tasks'
import { z } from 'zod'
import type { Database } from '../database/database.js'
import { createPosts, type Post } from '../posts/posts.js'

/** What task handlers of the sample find as `context.deps`. */
export interface SampleDeps {
  readonly database: Database
}

/** How far an export is. */
export interface ExportProgress {
  readonly done: number
  readonly total: number
}

/** So slow is each row that a person can watch. */
const MS_PER_ROW = 150

/** Writes all posts into one CSV file. Takes its time, says how far it is, and stops when it is told to. */
export const exportTask = defineTask({
  name: 'posts.export',
  input: z.object({ memberId: z.number().int() }),
  timeout: '5m',
  retry: { attempts: 5 },
  run: async ({ memberId }, context): Promise<{ readonly rows: number }> => {
    const { database } = context.deps as SampleDeps
    const posts = await createPosts(database).all()
    const lines = ['id,member,title,body']
    for (const [index, post] of posts.entries()) {
      context.signal.throwIfAborted()
      lines.push(csvLine(post))
      await context.progress({ done: index + 1, total: posts.length } satisfies ExportProgress)
      await pause(MS_PER_ROW, undefined, { signal: context.signal })
    }
    // The task's id makes a second attempt write the same row again instead of another one.
    await database.query(
      `insert into exports (id, member_id, csv) values ($1, $2, $3) on conflict (id) do update set csv = excluded.csv`,
      [context.id, memberId, `${lines.join('\n')}\n`],
    )
    return { rows: posts.length }
  },
})

function csvLine({ id, memberId, title, body }: Post): string {
  return [id, memberId, title, body].map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(',')
}
