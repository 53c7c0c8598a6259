import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { requireBinary } from './find-binary.js'

/** A certificate for 127.0.0.1 and localhost that is its own authority. */
export interface SelfSignedCertificate {
  readonly certFile: string
  readonly keyFile: string
  /** The certificate as PEM text, for a client's `ca` option. */
  readonly ca: string
}

/** Makes a certificate in `directory` with openssl, valid for a day. */
export async function createSelfSignedCertificate(directory: string): Promise<SelfSignedCertificate> {
  const certFile = join(directory, 'cert.pem')
  const keyFile = join(directory, 'key.pem')
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  await promisify(execFile)(requireBinary('openssl'), [...request, ...names, '-keyout', keyFile, '-out', certFile])
  return { certFile, keyFile, ca: readFileSync(certFile, 'utf8') }
}
