/** Gives the API key of an `Authorization: Bearer` header; `undefined` when there is none. */
export function apiKeyOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S{1,200})$/i.exec(authorization ?? '')?.[1]
}
