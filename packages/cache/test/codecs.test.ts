import { CacheValueError } from '@plinth/cache'
import { msgpackrCodec } from '@plinth/cache/msgpackr'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BytePacking } from '../src/byte-packing.js'
import { Signer } from '../src/codecs/signature.js'
import { valuePacking } from '../src/value-packing.js'

const compression = { above: 200, maxBytes: 1_000_000 }
const plain = new BytePacking({ codec: undefined, compression, signer: undefined })
const signed = new BytePacking({
  codec: undefined,
  compression,
  signer: new Signer(['a new secret of 30 characters', 'an old secret of 30 characters']),
})
const old = new BytePacking({ codec: undefined, compression, signer: new Signer(['an old secret of 30 characters']) })

const packed = new BytePacking({ codec: msgpackrCodec(), compression, signer: undefined })

const data = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withSparseArray: false,
  withTypedArray: false,
  withNullPrototype: false,
})

describe('a value', () => {
  it('comes out as it went in, from memory as from bytes', () => {
    fc.assert(
      fc.property(data, (value) => {
        fc.pre(value !== undefined)
        for (const packing of [plain, signed, packed, valuePacking]) {
          const { body, format } = packing.pack(value, 'k')
          expect(packing.unpack(body, format, 'k')).toStrictEqual(value)
        }
      }),
    )
  })

  it('keeps types that JSON does not have, and properties named like the mark', () => {
    const value = {
      $plinth: 'date',
      when: new Date(5),
      map: new Map([[{ a: 1 }, new Set([1n])]]),
      raw: Buffer.from('x'),
      bytes: new Uint8Array([1]),
      n: -0,
      nan: Number.NaN,
      none: undefined,
      list: [undefined],
    }
    for (const packing of [plain, signed, packed, valuePacking]) {
      const { body, format } = packing.pack(value, 'k')
      expect(packing.unpack(body, format, 'k')).toStrictEqual(value)
    }
  })

  it('comes out of MessagePack as it went in, even where MessagePack itself would change it', () => {
    class Money {
      toJSON(): unknown {
        return { cents: 5 }
      }
    }
    const twice = (value: unknown): unknown => {
      const { body, format } = packed.pack(value, 'k')
      return packed.unpack(body, format, 'k')
    }
    for (const value of [
      '\ud800',
      { '\udfff': 1 },
      JSON.parse('{"__proto__": {"a": 1}}'),
      [-0],
      2n ** 90n,
      new Date(Number.NaN),
      new Map([[new Map([[1, 2]]), 3]]),
    ]) {
      expect(twice(value)).toStrictEqual(value)
    }
    expect(twice({ price: new Money() })).toEqual({ price: { cents: 5 } })
    const rows = Array.from({ length: 100 }, (_, id) => ({ id, name: `name ${id}`, active: true }))
    expect(packed.pack(rows, 'k').size).toBeLessThan(JSON.stringify(rows).length / 2)
    expect(() => packed.unpack(Buffer.from([0xd9, 0xff, 0x41]), 16, 'k')).toThrow()
  })

  it('is refused when it is not data', () => {
    const circle: Record<string, unknown> = {}
    circle.self = circle
    for (const bad of [
      () => 1,
      Symbol('x'),
      circle,
      { f: () => 1 },
      new Error('x'),
      Promise.resolve(),
      /x/,
      new Float64Array(2),
    ]) {
      for (const packing of [plain, packed, valuePacking]) expect(() => packing.pack(bad, 'k')).toThrow(CacheValueError)
    }
  })
})

describe('bytes', () => {
  it('are compressed when it pays, and never become larger than the bound again', () => {
    const { body, format } = plain.pack('x'.repeat(500_000), 'k')
    expect((body as Uint8Array).byteLength).toBeLessThan(5_000)
    expect(plain.unpack(body, format, 'k')).toHaveLength(500_000)
    const strict = new BytePacking({
      codec: undefined,
      compression: { above: 200, maxBytes: 1_000 },
      signer: undefined,
    })
    expect(() => strict.unpack(body, format, 'k')).toThrow()
  })

  it('that were signed are believed at their key only, by every secret, and unsigned ones never', () => {
    const { body, format } = old.pack({ admin: false }, 'k')
    expect(signed.unpack(body, format, 'k')).toEqual({ admin: false })
    expect(() => signed.unpack(body, format, 'other')).toThrow()
    const forged = Buffer.from(body as Uint8Array)
    forged[forged.length - 2] = (forged[forged.length - 2] ?? 0) ^ 1
    expect(() => signed.unpack(forged, format, 'k')).toThrow()
    const unsigned = plain.pack({ admin: true }, 'k')
    expect(() => signed.unpack(unsigned.body, unsigned.format, 'k')).toThrow()
  })

  it('that nobody wrote are refused, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(0xffff), (bytes, format) => {
        try {
          plain.unpack(Buffer.from(bytes), format, 'k')
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
    )
  })
})
