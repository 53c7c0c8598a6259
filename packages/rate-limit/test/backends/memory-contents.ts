import { Session } from 'node:inspector'
import type { MemoryBackend } from '../../src/index.js'

/** Every state that a memory backend holds, as text: read through the debugger, because nobody else may look. */
export function memoryContents(backend: MemoryBackend): string {
  const shelves = privateField(privateField(backend, '#table'), '#shelves') as ReadonlyMap<
    string,
    { readonly cells: ReadonlyMap<string, { readonly state: unknown }> }
  >
  const lines = [...shelves].flatMap(([limit, { cells }]) =>
    [...cells].map(([subject, { state }]) => JSON.stringify([limit, subject, state])),
  )
  return lines.toSorted().join('\n')
}

const taken = new Map<string, unknown>()

/** The value of a private field. */
function privateField(of: unknown, name: string): unknown {
  const session = new Session()
  session.connect()
  try {
    Object.assign(globalThis, { plinthTaken: taken })
    taken.set('of', of)
    const { result } = post<{ result: { objectId: string } }>(session, 'Runtime.evaluate', {
      expression: "plinthTaken.get('of')",
    })
    const { privateProperties } = post<{ privateProperties: { name: string; value: { objectId: string } }[] }>(
      session,
      'Runtime.getProperties',
      { objectId: result.objectId, ownProperties: true },
    )
    const found = privateProperties.find((property) => property.name === name)
    if (found === undefined) throw new Error(`there is no ${name}`)
    post(session, 'Runtime.callFunctionOn', {
      objectId: found.value.objectId,
      functionDeclaration: "function () { plinthTaken.set('found', this) }",
    })
    return taken.get('found')
  } finally {
    session.disconnect()
    Reflect.deleteProperty(globalThis, 'plinthTaken')
    taken.clear()
  }
}

/** In one process the debugger answers at once. */
function post<Answer>(session: Session, method: string, params: object): Answer {
  let answer: Answer | undefined
  session.post(method, params, (error, result) => {
    if (error !== null) throw error
    answer = result as Answer
  })
  if (answer === undefined) throw new Error(`${method} did not answer at once`)
  return answer
}
