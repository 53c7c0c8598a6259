import { afterAll } from 'vitest'
import { closeFileScope } from './file-scope.js'

afterAll(closeFileScope)

// A worker whose run was killed would go on with its test. Its watchdog ends its servers when it is gone.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
