import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Application, Request } from 'express'

/** A response that nobody receives. */
class UnheardResponse extends ServerResponse {
  readonly done: Promise<void>
  #finish: () => void = () => {}

  constructor(request: IncomingMessage) {
    super(request)
    this.done = new Promise((resolve) => {
      this.#finish = resolve
    })
  }

  override write(_chunk: unknown, ...rest: unknown[]): boolean {
    call(rest)
    return true
  }

  override end(...rest: unknown[]): this {
    call(rest)
    this.emit('finish')
    this.emit('close')
    this.#finish()
    return this
  }

  override destroy(): this {
    this.emit('close')
    this.#finish()
    return this
  }
}

/**
 * Plays a request once more inside the process: through all middleware as the first time, answered to nobody.
 *
 * Resolves when its answer has been made.
 */
export async function replayRequest(request: Request): Promise<void> {
  const socket = new Socket()
  const { remoteAddress } = request.socket
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress })
  if ('encrypted' in request.socket) Object.defineProperty(socket, 'encrypted', { value: true })
  const again = new IncomingMessage(socket)
  again.method = 'GET'
  again.url = request.originalUrl
  again.headers = { ...request.headers }
  again.rawHeaders = [...request.rawHeaders]
  again.httpVersion = request.httpVersion
  again.push(null)
  const unheard = new UnheardResponse(again)
  outermost(request.app)(again as Request, unheard as never)
  await unheard.done
}

/** A mounted app sees only a part of the path; what stands before it is in the app it is mounted on. */
function outermost(app: Application): Application {
  const { parent } = app as { parent?: Application }
  return parent === undefined ? app : outermost(parent)
}

function call(args: readonly unknown[]): void {
  const done = args.find((arg) => typeof arg === 'function')
  if (typeof done === 'function') done()
}
