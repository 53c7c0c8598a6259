import { createInfra, defineComponent } from '@plinth/app-factory'
import { BackendUnavailableError, type Logger, silentLogger } from '@plinth/core'
import { leakCheck } from '@plinth/testing'
import { expect, onTestFinished, test } from 'vitest'

leakCheck()

const env = { EMAIL_TRANSPORT: 'memory', NODE_ENV: 'test' }

test('a listener of transitions that throws is logged, and neither the others nor the component take harm', async () => {
  const errors: string[] = []
  const logger: Logger = { ...silentLogger, error: (_, message) => void errors.push(message) }
  let there = false
  const flaky = defineComponent({
    name: 'flaky',
    create: () => ({}),
    start: async () => {
      if (!there) throw new BackendUnavailableError('not yet', { reason: 'closed' })
    },
  })
  const infra = await createInfra({ env, components: [flaky], logger })
  onTestFinished(async () => void (await infra.close()))
  const heard: string[] = []
  infra.onTransition(() => {
    throw new Error('a mistake in the listener')
  })
  const off = infra.onTransition(({ component, to }) => heard.push(`${component} ${to}`))
  there = true
  await infra.whenHealthy('flaky', { timeoutMs: 10_000 })
  expect(heard).toEqual(['flaky healthy'])
  expect(errors).toEqual(['a listener of transitions threw'])
  off()
  await infra.close()
  expect(heard).toEqual(['flaky healthy'])
})

test('components of your own start after what they depend on, and close in the reverse order, after what may use them', async () => {
  const said: string[] = []
  const part = <Name extends string>(name: Name, dependsOn: readonly string[] = []) =>
    defineComponent({
      name,
      dependsOn,
      create: () => ({}),
      start: async () => void said.push(`start ${name}`),
      stopIntake: async () => void said.push(`stop ${name}`),
      drain: async () => void said.push(`drain ${name}`),
      close: async () => void said.push(`close ${name}`),
    })
  const components = [part('search', ['database', 'cache']), part('database'), part('audit')]
  const infra = await createInfra({ env, components, logger: silentLogger })
  const report = await infra.close()
  expect(said.indexOf('start database')).toBeLessThan(said.indexOf('start search'))
  expect(said.slice(-9).map((line) => line.split(' ')[0])).toEqual([
    ...['stop', 'stop', 'stop', 'drain', 'drain', 'drain'],
    ...['close', 'close', 'close'],
  ])
  expect(said.slice(-3)).toEqual(['close audit', 'close search', 'close database'])
  const steps = report.steps.map(({ name }) => name)
  expect(steps.indexOf('search')).toBeLessThan(steps.indexOf('cache')) // it depends on the cache
  expect(steps.indexOf('cache')).toBeLessThan(steps.indexOf('database')) // handlers of tasks may use it
  expect(steps.at(-1)).toBe('connections')
  expect(report.clean).toBe(true)
})

test('a start that hangs costs the budget and no more; it is degraded, and closing does not wait for it', async () => {
  let aborted = false
  const hanging = defineComponent({
    name: 'hanging',
    create: () => ({}),
    start: (_, signal) =>
      new Promise<void>(() => {
        signal.addEventListener('abort', () => {
          aborted = true
        })
      }),
  })
  const infra = await createInfra({
    env: { ...env, STARTUP_TIMEOUT: '100ms' },
    components: [hanging],
    logger: silentLogger,
  })
  expect(infra.status()).toMatchObject({ hanging: { state: 'degraded', reason: 'timeout' } })
  expect(infra.health('ready').status).toBe('warn')
  expect((await infra.close({ deadlineMs: 2000 })).clean).toBe(true)
  expect(aborted).toBe(true)
})

test('whoever waits for health learns of the close, of the deadline and of the signal, and is not left waiting', async () => {
  const down = defineComponent({
    name: 'down',
    create: () => ({}),
    start: () => Promise.reject(new BackendUnavailableError('away', { reason: 'closed' })),
  })
  const infra = await createInfra({ env, components: [down], logger: silentLogger })
  await expect(infra.whenHealthy('down', { timeoutMs: 5 })).rejects.toThrow('down is degraded')
  await expect(infra.whenHealthy('down', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  await expect(infra.whenHealthy('nobody')).rejects.toThrow('There is no component "nobody"')
  const waiting = infra.whenHealthy('down').catch(String)
  await infra.close()
  expect(await waiting).toContain('The app is closing')
  await expect(infra.whenHealthy('down')).rejects.toThrow('The app is closing')
})

test('closing twice is closing once, and a close while the start of something goes on is no error', async () => {
  let closes = 0
  const once = defineComponent({ name: 'once', create: () => ({}), close: async () => void closes++ })
  const infra = await createInfra({ env, components: [once], logger: silentLogger })
  const [first, second] = await Promise.all([infra.close(), infra.close()])
  expect(first).toBe(second)
  expect(closes).toBe(1)
  expect(infra.phase).toBe('stopped')
})
