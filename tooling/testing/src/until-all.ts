import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves once `condition` holds for every one of `subjects`; an error is "not yet". Throws after 20 s, with the last error as cause. */
export async function untilAll<Subject>(
  subjects: readonly Subject[],
  condition: (subject: Subject) => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + 20_000
  for (const subject of subjects) {
    let reason: unknown
    const holds = (): Promise<boolean> =>
      condition(subject).catch((error: unknown) => {
        reason = error
        return false
      })
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error('The servers did not find together in 20 s.', { cause: reason })
      await sleep(20)
    }
  }
}
