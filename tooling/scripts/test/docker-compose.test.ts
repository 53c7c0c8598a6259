import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

interface Service {
  readonly image?: string
  readonly ports?: readonly string[]
  readonly profiles?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
}

const file = new URL('../../../docker-compose.yml', import.meta.url)
const { services }: { services: Record<string, Service> } = parse(readFileSync(file, 'utf8'))
const servers = Object.entries(services).filter(([, { profiles }]) => profiles === undefined)

test('it has the servers that the backends are for, each on the port that clients expect', () => {
  const ports = servers.map(([name, service]) => [name, service.ports?.map((port) => port.split(':').at(-1))])
  expect(Object.fromEntries(ports)).toEqual({
    redis: ['6379'],
    memcached: ['11211'],
    rabbitmq: ['5672', '15672'],
    postgres: ['5432'],
    mailpit: ['1025', '8025'],
  })
})

test.each(servers)('%s has a health check, a pinned version, and ports on loopback only', (_name, service) => {
  expect(service.healthcheck?.test.length).toBeGreaterThan(1)
  expect(service.image).toMatch(/:v?\d+\.?\d*/)
  for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
})

test('the tests run in a container only when asked for', () => {
  expect(services.tests?.profiles).toEqual(['tests'])
  expect(services.tests?.ports).toBeUndefined()
})
