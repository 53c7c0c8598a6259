import { describe, expect, test } from 'vitest'
import { clientAddress, identifyCaller, limitRequest } from '../../src/http/index.js'
import { createRateLimiter, memoryBackend } from '../../src/index.js'
import { FakeClock } from '../fake-clock.js'

describe('a request', () => {
  const facts = { method: 'GET', route: '/posts/:id', peer: '203.0.113.7' }
  const limiterOf = () =>
    createRateLimiter({
      backend: memoryBackend({ clock: new FakeClock() }),
      policies: { api: { limits: ['2/1m', '1000/1d fixed'] }, export: { limits: ['concurrency 1'] } },
      routes: { '/posts/*': 'api', 'POST /exports': ['api', 'export'], 'GET /health': 'none' },
    })

  test('is told its limits, then refused with everything a client needs', async () => {
    const limiter = limiterOf()
    const first = await limitRequest(limiter, facts, { policy: 'api' })
    expect(first).toMatchObject({ allowed: true })
    expect(first.headers).toEqual({
      'RateLimit-Policy': '"api-1m";q=2;w=60, "api-1d";q=1000;w=86400',
      RateLimit: '"api-1m";r=1;t=120',
    })
    await limitRequest(limiter, facts, { policy: 'api' })
    const refused = await limitRequest(limiter, facts, { policy: 'api' }, { headers: { legacy: true } })
    expect(refused).toMatchObject({ allowed: false, status: 429 })
    expect(refused.headers).toMatchObject({
      'Retry-After': '90',
      RateLimit: '"api-1m";r=0;t=90',
      'X-RateLimit-Limit': '2',
      'Cache-Control': 'no-store',
      'Content-Type': 'application/problem+json',
    })
    expect(JSON.parse(refused.allowed ? '' : refused.body)).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      status: 429,
      'violated-policies': ['api-1m'],
    })
  })

  test('is charged to the policies of its route rule', async () => {
    const limiter = limiterOf()
    expect((await limitRequest(limiter, facts)).decision?.limits).toHaveLength(2)
    expect((await limitRequest(limiter, { ...facts, method: 'HEAD' })).decision?.limits).toHaveLength(2)
    expect(
      (await limitRequest(limiter, { ...facts, method: 'POST', route: '/exports' })).decision?.limits,
    ).toHaveLength(3)
    expect((await limitRequest(limiter, { ...facts, route: '/health' })).decision).toBeUndefined()
    expect((await limitRequest(limiter, { ...facts, route: undefined })).decision).toBeUndefined()
    await limiter.close()
  })

  test('that costs more than its limit is refused without a time to come back', async () => {
    const refused = await limitRequest(limiterOf(), facts, { policy: 'api', cost: 3 })
    expect(refused).toMatchObject({ allowed: false, status: 429 })
    expect(refused.headers['Retry-After']).toBeUndefined()
  })
})

describe('a caller', () => {
  test('is its principal, then its API key, then its address', () => {
    const all = { method: 'GET', peer: '192.0.2.1', principal: { id: '7', tier: 'pro' }, apiKey: { id: 'k1' } }
    expect(identifyCaller(all)).toEqual({ subject: 'user:7', tier: 'pro' })
    expect(identifyCaller({ ...all, principal: undefined }).subject).toBe('key:k1')
    expect(identifyCaller({ method: 'GET', peer: '192.0.2.1' }).subject).toBe('ip:192.0.2.1')
    expect(identifyCaller({ method: 'GET' }).subject).toBe('ip:unknown')
  })

  test.each([
    ['::ffff:192.0.2.1', 'ip:192.0.2.1'],
    ['::ffff:c000:201', 'ip:192.0.2.1'],
    ['0:0:0:0:0:FFFF:192.0.2.1', 'ip:192.0.2.1'],
    ['192.0.2.1:8080', 'ip:192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', 'ip:2001:db8:1:2::/64'],
    ['[2001:db8:1:2::1]:443', 'ip:2001:db8:1:2::/64'],
    ['2001:DB8:0001:2::', 'ip:2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'ip:fe80:0:0:0::/64'],
    ['::1', 'ip:0:0:0:0::/64'],
    ['1.2.3', 'ip:unknown'],
    ['1::2::3', 'ip:unknown'],
    ['not an address', 'ip:unknown'],
  ])('at %s is %s', (peer, subject) => {
    expect(identifyCaller({ method: 'GET', peer }).subject).toBe(subject)
  })

  test.each([
    [0, '203.0.113.9', '10.0.0.1'],
    [1, 'spoofed, 198.51.100.1, 203.0.113.9', '203.0.113.9'],
    [2, 'spoofed, 198.51.100.1, 203.0.113.9', '198.51.100.1'],
    [3, 'spoofed, 198.51.100.1, 203.0.113.9', '198.51.100.1'],
    [5, '203.0.113.9', '203.0.113.9'],
    [1, '', '10.0.0.1'],
  ])('behind %i trusted hops, with %j, is at %s', (hops, forwardedFor, address) => {
    expect(clientAddress({ peer: '10.0.0.1', forwardedFor }, hops)).toBe(address)
  })
})
