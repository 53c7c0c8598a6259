import { crc32 } from 'node:zlib'

const SPACE = 0x20

/**
 * Writes records, JSON texts, as one line: checksum (CRC-32 of the rest, 8 hexadecimal digits), length in bytes, and a JSON
 * array. A line is read whole or not at all, so what is in one line happened together.
 */
export function encodeLine(records: readonly string[]): Buffer {
  const json = `[${records.join(',')}]`
  const body = `${Buffer.byteLength(json)} ${json}`
  return Buffer.from(`${checksum(body)} ${body}\n`)
}

/** Reads a line, without its end, back; `undefined` when it is not as it was written. */
export function decodeLine(line: Buffer): readonly unknown[] | undefined {
  const afterSum = line.indexOf(SPACE)
  const afterLength = line.indexOf(SPACE, afterSum + 1)
  if (afterSum !== 8 || afterLength < 0) return undefined
  const length = Number(line.toString('latin1', afterSum + 1, afterLength))
  if (length !== line.length - afterLength - 1) return undefined
  if (line.toString('latin1', 0, afterSum) !== checksum(line.subarray(afterSum + 1))) return undefined
  return JSON.parse(line.toString('utf8', afterLength + 1)) as readonly unknown[]
}

function checksum(bytes: string | Buffer): string {
  return crc32(bytes).toString(16).padStart(8, '0')
}
