import { leakCheck } from '@plinth/testing'
import { registerMatrix } from './matrix-tests.js'

leakCheck()
registerMatrix('Redis')
