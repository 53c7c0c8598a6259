/** A refusal that the caller is told, as an RFC 9457 problem. */
export class HttpProblem extends Error {
  readonly status: number

  constructor(status: number, detail: string) {
    super(detail)
    this.status = status
  }

  /** The body to send, of type `application/problem+json`. */
  toJSON(): { readonly status: number; readonly title: string; readonly detail: string } {
    return { status: this.status, title: TITLES[this.status] ?? 'Error', detail: this.message }
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  409: 'Conflict',
  500: 'Internal Server Error',
}

/** What to tell about an error: its own words if it is a problem, otherwise nothing but that it happened. */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error
  const status = (error as { readonly statusCode?: unknown; readonly status?: unknown } | undefined) ?? {}
  const code = typeof status.statusCode === 'number' ? status.statusCode : status.status
  if (typeof code === 'number' && code >= 400 && code < 500) return new HttpProblem(code, 'The request cannot be read.')
  return new HttpProblem(500, 'Something went wrong here. It has been noted.')
}
