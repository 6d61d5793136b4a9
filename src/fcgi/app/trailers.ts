import { ServerResponse } from 'node:http'

/** What node:http itself calls and keeps; it is the same in all its versions. */
interface Storing {
  _storeHeader(line: string, headers: unknown): void
  /** Whether the header Transfer-Encoding was removed, which tells it to write no chunks. */
  _removedTE: boolean
}

/**
 * FastCGI has no trailers, and a response that announces some is to be written without them. But node:http throws over a
 * `Trailer` header where it writes no chunks: such a response is written in chunks, which the socket takes off again.
 */
export function admitTrailers(response: ServerResponse): void {
  // An own property: frameworks put other prototypes below it.
  const storing = response as unknown as Storing
  storing._storeHeader = storeHeader
}

const { prototype } = ServerResponse as unknown as { readonly prototype: Storing }

function storeHeader(this: Storing, line: string, headers: unknown): void {
  if (announcesTrailers(headers)) this._removedTE = false
  prototype._storeHeader.call(this, line, headers)
}

/** Of an object with the names as its keys, names and values in turn, or pairs of them. */
function announcesTrailers(headers: unknown): boolean {
  if (Array.isArray(headers)) {
    return headers.some((each: unknown) => isTrailer(Array.isArray(each) ? each[0] : each))
  }
  for (const name in headers as object | undefined) if (isTrailer(name)) return true
  return false
}

function isTrailer(name: unknown): boolean {
  return typeof name === 'string' && name.length === 7 && name.toLowerCase() === 'trailer'
}
