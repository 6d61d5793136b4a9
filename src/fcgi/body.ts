/** What a body may be, of a request at the client and of a response at the responder. A Readable is an iterable of chunks. */
export type FcgiBody = string | Uint8Array | AsyncIterable<Uint8Array | string>

/** Whether something can be one; what an iterable brings is seen when it comes. */
export function isFcgiBody(given: unknown): given is FcgiBody {
  if (typeof given === 'string' || given instanceof Uint8Array) return true
  return typeof given === 'object' && given !== null && Symbol.asyncIterator in given
}
