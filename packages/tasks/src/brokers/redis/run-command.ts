import type { RedisClient } from '@plinth/core/redis'

/** Sends commands to a broker's Redis, and rejects when their answer takes longer than the broker waits. */
export type RunCommand = <Result>(command: (client: RedisClient) => Promise<Result>) => Promise<Result>
