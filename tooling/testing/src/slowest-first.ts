/**
 * The files that take longest, mostly waiting for real servers to die and to come back, by the ends of their paths.
 *
 * Begun last, any of them would keep the whole run waiting alone; a fresh clone knows nothing yet of how long a file takes,
 * and some of these are five lines long. Begun first they run beside each other, while the processors are idle, which is
 * also what tests of faults like best.
 */
export const SLOWEST: readonly string[] = [
  'packages/tasks/test/faults/rabbitmq-faults.test.ts',
  'packages/tasks/test/faults/redis-faults.test.ts',
  'packages/app-factory/test/outages/redis-cluster.test.ts',
  'packages/app-factory/test/outages/redis.test.ts',
  'packages/core/test/fault-matrix.test.ts',
  'apps/sample/test/rolling-restart.test.ts',
  'apps/sample/test/real-backends.test.ts',
  'packages/app-factory/test/sigterm.test.ts',
  'packages/cache/test/stampede.test.ts',
  'packages/app-factory/test/outages/memcached.test.ts',
  'tooling/testing/test/installed-alone.test.ts',
  'packages/tasks/test/outbox.test.ts',
  'packages/tasks/test/rabbitmq-broker.test.ts',
  'packages/app-factory/test/rabbitmq.test.ts',
  'packages/core/test/redis/hub.test.ts',
]

/** Orders the paths of test files: {@link SLOWEST} first, and the others as they come. */
export function slowestFirst<File>(files: readonly File[], pathOf: (file: File) => string): File[] {
  const rank = (file: File): number => {
    const index = SLOWEST.findIndex((path) => pathOf(file).endsWith(path))
    return index < 0 ? SLOWEST.length : index
  }
  return files.toSorted((one, other) => rank(one) - rank(other))
}
