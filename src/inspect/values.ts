/** Typed data of SPOP as what JSON can hold and people can read. */
import type { TypedData } from '../spop/typed-data.ts'
import type { NamedValue } from './entry.ts'
import { readHeaderPairs } from './headers-bin.ts'

/** A value with its name. Text that is not UTF-8 is shown with U+FFFD; bytes are hexadecimal. */
export function describeValue(name: string, data: TypedData): NamedValue {
  switch (data.type) {
    case 'null':
      return { name, type: 'null', value: null }
    case 'boolean':
    case 'string':
      return { name, type: data.type, value: data.value }
    case 'binary':
      return { name, type: 'binary', value: data.value.toString('hex'), ...headersOf(data.value) }
    case 'ipv4':
    case 'ipv6':
      return { name, type: data.type, value: data.value.toString() }
    default:
      return {
        name,
        type: data.type,
        value: typeof data.value === 'bigint' ? String(data.value) : data.value,
      }
  }
}

function headersOf(bytes: Buffer): Pick<NamedValue, 'headers'> {
  const { pairs, whole } = readHeaderPairs(bytes)
  if (!whole || pairs.length === 0) return {}
  return { headers: pairs.map(({ name, value }) => [name, value.toString('latin1')]) }
}
