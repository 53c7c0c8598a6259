import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { freshRedis, leakCheck, redisCommand, startRedis, startRedisCluster, startRedisSentinel } from '../src/index.js'
import { untilAll } from '../src/until-all.js'

leakCheck()

describe('a Redis server', () => {
  test('answers, and is gone after it is closed', async () => {
    const redis = await startRedis()
    expect(await redis.command('SET', 'a', '1')).toBe('OK')
    expect(await redis.command('GET', 'a')).toBe('1')
    expect(await redis.command('GET', 'b')).toBeNull()
    await redis.close()
    await expect(redis.command('PING')).rejects.toThrow('ECONNREFUSED')
    expect(() => redis.pid).toThrow('down')
  })

  test('asks for its password', async () => {
    const redis = await freshRedis({ password: 'p@ss/word' })
    expect(redis.url).toBe(`redis://:p%40ss%2Fword@127.0.0.1:${redis.port}`)
    await expect(redisCommand(redis, 'GET', 'a')).rejects.toThrow('NOAUTH')
    await expect(redis.command('PING')).resolves.toBe('PONG')
  })

  test('keeps what it confirmed over a kill when it writes every change to disk', async () => {
    const redis = await freshRedis({ aof: true })
    await redis.command('SET', 'a', '1')
    const { pid, url } = redis
    await redis.kill()
    await expect(redis.command('PING')).rejects.toThrow('ECONNREFUSED')
    await redis.restart()
    expect(redis.pid).not.toBe(pid)
    expect(redis.url).toBe(url)
    expect(await redis.command('GET', 'a')).toBe('1')
  })

  test('accepts and does not answer while frozen, and answers after the thaw', async () => {
    const redis = await freshRedis()
    await redis.freeze()
    await expect(redisCommand({ host: redis.host, port: redis.port, timeout: 200 }, 'PING')).rejects.toThrow(
      'no answer',
    )
    const late = redis.command('PING')
    await redis.thaw()
    await expect(late).resolves.toBe('PONG')
  })

  test('copies from its master', async () => {
    const master = await freshRedis({ password: 'secret' })
    const replica = await freshRedis({ replicaOf: { host: master.host, port: master.port, password: 'secret' } })
    await master.command('SET', 'a', '1')
    await untilAll([replica], async () => (await replica.command('GET', 'a')) === '1')
  })

  test('refuses clients above its limit', async () => {
    const redis = await freshRedis({ maxclients: 1 })
    const first = connect({ host: redis.host, port: redis.port })
    await new Promise((resolve) => first.once('connect', resolve))
    await expect(redis.command('PING')).rejects.toThrow('max number of clients')
    first.destroy()
  })

  test('takes lines of redis.conf, and listens on a Unix socket when asked', async () => {
    const redis = await freshRedis({ config: ['maxmemory 2mb', 'maxmemory-policy allkeys-lru'], unixSocket: true })
    expect(await redis.command('CONFIG', 'GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'allkeys-lru'])
    expect(existsSync(redis.socketPath ?? '')).toBe(true)
  })

  test('speaks TLS with a certificate of its own', async () => {
    const redis = await freshRedis({ tls: true, password: 'secret' })
    expect(redis.url).toMatch(/^rediss:/)
    expect(await redis.command('PING')).toBe('PONG')
    await expect(redisCommand({ host: redis.host, port: redis.port, tls: {} }, 'PING')).rejects.toThrow('self-signed')
  })
})

describe('a Redis Cluster', () => {
  test('serves every slot, and makes a replica master when its master is killed', async () => {
    await using cluster = await startRedisCluster()
    const [, master] = cluster.masters
    const [, replica] = cluster.replicas
    expect(cluster.nodes).toHaveLength(6)
    const role = async (): Promise<unknown> => ((await replica.command('ROLE')) as unknown[])[0]
    expect(await role()).toBe('slave')
    await master.kill()
    await untilAll([replica], async () => (await role()) === 'master')
  })

  test('serves again after a restart of all nodes', async () => {
    await using cluster = await startRedisCluster({ password: 'secret' })
    await cluster.kill()
    await cluster.restart()
    expect(String(await cluster.masters[0].command('CLUSTER', 'INFO'))).toContain('cluster_state:ok')
  })
})

test('sentinels make the replica master when the master is killed', async () => {
  await using sentinels = await startRedisSentinel()
  expect(await sentinels.masterPort()).toBe(sentinels.master.port)
  await sentinels.master.kill()
  await untilAll([sentinels], async () => (await sentinels.masterPort()) === sentinels.replica.port)
})
