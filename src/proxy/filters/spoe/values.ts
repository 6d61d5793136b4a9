/** Samples as SPOP has them, and back (SPOE.txt 3.1; `spoe_encode_data` and `spoe_decode_data` of HAProxy). */
import { Buffer } from 'node:buffer'
import { DataType, encodeValue, writeVarint } from '../../../spop/index.ts'
import type { TypedData, Writer } from '../../../spop/index.ts'
import { addr, bin, bool, sint, str } from '../../../sample/value.ts'
import type { SampleValue } from '../../../sample/value.ts'

/** Writes a sample as typed data; one that is missing is NULL. */
export function encodeSample(writer: Writer, sample: SampleValue | undefined): void {
  switch (sample?.type) {
    case 'str':
    case 'meth': {
      const text = sample.value
      writer.uint8(DataType.String)
      writeVarint(writer, text.length)
      return writer.text(text, 'latin1')
    }
    case 'ipv4':
      writer.uint8(DataType.Ipv4)
      return writer.copy(sample.value)
    case 'ipv6':
      writer.uint8(DataType.Ipv6)
      return writer.copy(sample.value)
    default:
      return encodeValue(writer, sample === undefined ? null : sample.value)
  }
}

/** Undefined for NULL, which unsets a variable. What is kept is a copy: the frame it came in is not. */
export function fromSpop(data: TypedData): SampleValue | undefined {
  switch (data.type) {
    case 'null':
      return undefined
    case 'boolean':
      return bool(data.value)
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'uint64':
      return sint(signed(data.value))
    case 'ipv4':
    case 'ipv6':
      return addr(data.value.bytes)
    case 'string':
      return str(data.bytes.toString('latin1'))
    case 'binary':
      return bin(Buffer.from(data.value))
  }
}

/** HAProxy keeps integers as signed 64 bits: an UINT64 above that is negative. */
function signed(value: number | bigint): number | bigint {
  if (typeof value === 'number') return value
  const wrapped = BigInt.asIntN(64, value)
  const number = Number(wrapped)
  return Number.isSafeInteger(number) ? number : wrapped
}
