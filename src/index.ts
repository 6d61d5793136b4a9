/**
 * The root of the package: what all parts share. The parts themselves are `sluice/agent`, `sluice/engine`,
 * `sluice/fcgi`, `sluice/proxy`, `sluice/recording`, `sluice/spop` and `sluice/testing`.
 * @module
 */
export { SluiceError, UsageError } from './base/errors.ts'
export type { Fault } from './base/errors.ts'
export { createTextLogger, silentLogger } from './base/logger.ts'
export type { Logger, LogLevel } from './base/logger.ts'
export { IpAddress } from './net/ip-address.ts'
export { CidrMap, parseCidr } from './net/cidr-map.ts'
export type { Cidr } from './net/cidr-map.ts'
export { formatIp, parseIp } from './net/ip.ts'
export { formatEndpoint, parseEndpoint } from './net/endpoint.ts'
export type { Endpoint } from './net/endpoint.ts'
