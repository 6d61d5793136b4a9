/** What a body may be, of a request at the client and of a response at the responder. A Readable is an iterable of chunks. */
export type FcgiBody = string | Uint8Array | AsyncIterable<Uint8Array | string>
