/** HTTP/1.1 messages (RFC 9112) between bytes and values: pure, strict, and shared by the proxy, FastCGI and health checks. */
export { BodyDecoder, defaultBodyLimits } from './body-decoder.ts'
export type { BodyLimits } from './body-decoder.ts'
export { isHeaderValue, isToken } from './characters.ts'
export { connectionNames, ConnectionOption, isPersistent, parseConnection } from './connection.ts'
export { Http1Error, http1Faults } from './errors.ts'
export type { Http1ErrorCode } from './errors.ts'
export { Framing, parseContentLength } from './framing.ts'
export { HeadBuffer } from './head-buffer.ts'
export {
  encodeHead,
  formatChunkSize,
  formatHead,
  formatLastChunk,
  formatRequestHead,
  formatRequestLine,
  formatResponseHead,
  formatStatusLine,
} from './head-format.ts'
export { defaultHeadLimits, parseHeaderBlock } from './header-block.ts'
export type { HeadLimits } from './header-block.ts'
export { HeaderList, manyFields } from './header-list.ts'
export { HeaderKind, HeaderName, headerName } from './header-name.ts'
export { isIdempotent, mayRepeat, useOfKept } from './repeat.ts'
export type { Liveness } from './repeat.ts'
export { parseRequestHead } from './request-head.ts'
export type { RequestHead } from './request-head.ts'
export { mayBecomeRequest } from './request-prefix.ts'
export { parseResponseHead, responseFraming } from './response-head.ts'
export type { ResponseHead } from './response-head.ts'
export { reasonPhrase } from './status.ts'
export { isHost, originForm, targetAuthority } from './target.ts'
export type { TargetForm } from './target.ts'
