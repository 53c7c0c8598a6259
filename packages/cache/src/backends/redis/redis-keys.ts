/** The keys of one namespace. A slash keeps its parts apart: neither namespaces nor kinds contain one. */
export class RedisKeys {
  readonly entryPrefix: string
  readonly guardPrefix: string
  /** The store's time. On Cluster it shares a slot with {@link RedisKeys.late} and {@link RedisKeys.mark}. */
  readonly clock: string
  /** The latest stamps. */
  readonly late: string
  /** Which server confirmed the stamps. */
  readonly mark: string
  /** Where the end of leases is told. */
  readonly channel: string

  constructor(namespace: string) {
    this.entryPrefix = `${namespace}/e/`
    this.guardPrefix = `${namespace}/g/`
    this.clock = `{${namespace}}/clock`
    this.late = `{${namespace}}/late`
    this.mark = `{${namespace}}/server`
    this.channel = `${namespace}/settled`
  }

  entry(key: string): string {
    return this.entryPrefix + key
  }

  guard(guard: string): string {
    return this.guardPrefix + guard
  }
}
