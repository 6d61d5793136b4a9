/** HTTP/1.1 messages (RFC 9112) between bytes and values: pure, strict, and shared by the proxy, FastCGI and health checks. */
export { HeaderList } from './header-list.ts'
export { parseHeaderBlock, defaultHeadLimits } from './header-block.ts'
export type { HeadLimits, HeaderBlockOptions } from './header-block.ts'
export { Http1Error, http1Faults } from './errors.ts'
export type { Http1Code } from './errors.ts'
export { isHeaderValue, isToken } from './characters.ts'
