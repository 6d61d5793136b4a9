import type { TypedData } from '../spop/typed-data.ts'

/** A value for people, cut at `longest` characters; of bytes only how many there are. */
export function textOfData(data: TypedData, longest: number): string {
  switch (data.type) {
    case 'null':
      return 'NULL'
    case 'binary':
      return `${data.value.length} bytes`
    case 'string':
      return cut(
        data.bytes.length > longest * 4 ? data.bytes.toString('utf8', 0, longest * 4) : data.value,
        longest,
      )
    default:
      return cut(String(data.value), longest)
  }
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}
