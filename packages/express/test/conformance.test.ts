import { leakCheck, registerChecks } from '@plinth/testing'
import { leakChecks, limitChecks, routeCacheChecks } from '@plinth/testing/adapter-checks'
import { describe } from 'vitest'
import { expressFixture } from './serve-spec.js'

leakCheck()

describe('cached routes over Express', () => registerChecks(routeCacheChecks, expressFixture))
describe('no answer crosses callers over Express', () => registerChecks(leakChecks, expressFixture))
describe('limited routes over Express', () => registerChecks(limitChecks, expressFixture))
