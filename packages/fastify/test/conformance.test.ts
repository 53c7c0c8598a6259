import { leakCheck, registerChecks } from '@plinth/testing'
import {
  exactAnswerChecks,
  leakChecks,
  limitChecks,
  putChecks,
  routeCacheChecks,
  unkeyedReadChecks,
} from '@plinth/testing/adapter-checks'
import { describe } from 'vitest'
import { fastifyFixture } from './serve-spec.js'

leakCheck()

describe('cached routes over Fastify', () => registerChecks(routeCacheChecks, fastifyFixture))
describe('no answer crosses callers over Fastify', () => registerChecks(leakChecks, fastifyFixture))
describe('limited routes over Fastify', () => registerChecks(limitChecks, fastifyFixture))
describe('the same answers as every adapter, over Fastify', () => registerChecks(exactAnswerChecks, fastifyFixture))
describe('routes that put over Fastify', () => registerChecks(putChecks, fastifyFixture))
describe('handlers that read what is not keyed, over Fastify', () => registerChecks(unkeyedReadChecks, fastifyFixture))
