import type { Check } from '@plinth/core/checks'
import { againChecks } from './again-checks.js'
import { controlChecks } from './control-checks.js'
import { crashChecks } from './crash-checks.js'
import { failingChecks } from './failing-checks.js'
import type { TaskBrokerFixture } from './fixture.js'
import { hostileChecks } from './hostile-checks.js'
import { keyChecks } from './key-checks.js'
import { runningChecks } from './running-checks.js'

export type { TaskBrokerFixture } from './fixture.js'

/** Every promise of a `TaskBroker`, as data: one broker is as good as another when it passes them all. */
export const taskBrokerChecks: readonly Check<TaskBrokerFixture>[] = [
  ...runningChecks,
  ...failingChecks,
  ...againChecks,
  ...hostileChecks,
  ...keyChecks,
  ...controlChecks,
  ...crashChecks,
]
