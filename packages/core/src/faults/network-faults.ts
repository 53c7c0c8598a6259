import type { FaultRule } from './fault.js'

const CERTIFICATE_REMEDY =
  'Give the authority that signed the certificate as `tls.ca`, and the host name that it was made for.'

/** The certificate of the other side, told by a client that hides the code of it. */
export const certificateMessages: FaultRule = {
  id: 'network/certificate',
  kind: 'misconfigured',
  message:
    /self[- ]signed certificate|unable to (verify the first|get (local )?issuer) certificate|certificate (has expired|is not yet valid)|does not match certificate/i,
  remedy: CERTIFICATE_REMEDY,
}

/**
 * How connecting and talking over the network fails, whatever the server.
 *
 * A name that does not resolve is an outage: at the start of a container the platform's own DNS is often not there yet.
 */
export const networkFaults: readonly FaultRule[] = [
  {
    id: 'network/certificate',
    kind: 'misconfigured',
    codes: [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'CERT_REVOKED',
      'CERT_UNTRUSTED',
      'CERT_SIGNATURE_FAILURE',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'HOSTNAME_MISMATCH',
    ],
    remedy: CERTIFICATE_REMEDY,
  },
  {
    id: 'network/tls-mismatch',
    kind: 'misconfigured',
    codes: ['ERR_SSL_WRONG_VERSION_NUMBER', 'EPROTO', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST'],
    remedy: 'The server does not speak TLS there: check {address}.',
  },
  {
    id: 'network/tls-client-certificate',
    kind: 'misconfigured',
    codes: [
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
      'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    ],
    remedy: 'The server asks for a client certificate that it knows: give `tls.cert` and `tls.key`.',
  },
  {
    id: 'network/bad-address',
    kind: 'misconfigured',
    codes: ['ERR_SOCKET_BAD_PORT', 'ERR_INVALID_ARG_VALUE', 'EADDRNOTAVAIL'],
    remedy: 'Check {address}.',
  },
  {
    id: 'network/socket-permission',
    kind: 'misconfigured',
    codes: ['EACCES', 'EPERM'],
    remedy: 'Give this process access to the socket.',
  },
  { id: 'network/refused', kind: 'outage', codes: ['ECONNREFUSED'] },
  { id: 'network/no-socket', kind: 'outage', codes: ['ENOENT'] },
  { id: 'network/name', kind: 'outage', codes: ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'] },
  {
    id: 'network/lost',
    kind: 'outage',
    codes: [
      'ECONNRESET',
      'EPIPE',
      'ECONNABORTED',
      'ERR_STREAM_DESTROYED',
      'ERR_STREAM_WRITE_AFTER_END',
      'UND_ERR_SOCKET',
    ],
  },
  {
    id: 'network/timeout',
    kind: 'outage',
    codes: [
      'ETIMEDOUT',
      'ESOCKETTIMEDOUT',
      'UND_ERR_CONNECT_TIMEOUT',
      'UND_ERR_HEADERS_TIMEOUT',
      'UND_ERR_BODY_TIMEOUT',
    ],
  },
  { id: 'network/unreachable', kind: 'outage', codes: ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN'] },
  { id: 'network/local-limits', kind: 'outage', codes: ['EMFILE', 'ENFILE', 'ENOBUFS', 'EAGAIN'] },
  { id: 'network/tls-lost', kind: 'outage', message: /socket disconnected before secure TLS connection/ },
]
