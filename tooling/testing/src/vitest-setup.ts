import { afterAll } from 'vitest'
import { closeFileScope } from './file-scope.js'

afterAll(closeFileScope)
