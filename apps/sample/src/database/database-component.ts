import { type ComponentDefinition, defineComponent } from '@plinth/app-factory'
import type { Database } from './database.js'

/** Runs the database as a component: watched, shown in health, closed after everything that uses it. */
export function databaseComponent(database: Database): ComponentDefinition<'database', Database> {
  const ask = async (): Promise<void> => void (await database.query('select 1'))
  return defineComponent({
    name: 'database',
    backend: database.kind,
    required: true,
    create: () => database,
    start: ask,
    probe: ask,
    close: () => database.close(),
  })
}
