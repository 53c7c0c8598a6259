import { readFile } from 'node:fs/promises'

/** A file of the home page, read once. */
export interface Page {
  readonly path: string
  readonly type: string
  readonly content: string
}

const FILES = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/home.js', file: 'home.js', type: 'text/javascript; charset=utf-8' },
  { path: '/home.css', file: 'home.css', type: 'text/css; charset=utf-8' },
] as const

/** The headers of every page: nothing but what comes from here runs or is shown. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
}

/** Reads the home page. */
export async function readPages(): Promise<readonly Page[]> {
  const folder = new URL('../../public/', import.meta.url)
  return Promise.all(
    FILES.map(async ({ path, file, type }) => ({ path, type, content: await readFile(new URL(file, folder), 'utf8') })),
  )
}
