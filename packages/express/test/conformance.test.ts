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
import { expressFixture } from './serve-spec.js'

leakCheck()

describe('cached routes over Express', () => registerChecks(routeCacheChecks, expressFixture))
describe('no answer crosses callers over Express', () => registerChecks(leakChecks, expressFixture))
describe('limited routes over Express', () => registerChecks(limitChecks, expressFixture))
describe('the same answers as every adapter, over Express', () => registerChecks(exactAnswerChecks, expressFixture))
describe('routes that put over Express', () => registerChecks(putChecks, expressFixture))
describe('handlers that read what is not keyed, over Express', () => registerChecks(unkeyedReadChecks, expressFixture))
