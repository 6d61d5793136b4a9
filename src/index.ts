/**
 * The root of the package: what all parts share. The parts themselves are `sluice/agent`, `sluice/engine`,
 * `sluice/fcgi`, `sluice/proxy`, `sluice/spop` and `sluice/testing`.
 * @module
 */
export { SluiceError, UsageError } from './errors.ts'
export type { Fault } from './errors.ts'
export { createTextLogger, silentLogger } from './logger.ts'
export type { Logger, LogLevel } from './logger.ts'
export { IpAddress } from './ip-address.ts'
export { CidrMap, parseCidr } from './cidr-map.ts'
export type { Cidr } from './cidr-map.ts'
export { formatIp, parseIp } from './ip.ts'
export { formatEndpoint, parseEndpoint } from './endpoint.ts'
export type { Endpoint } from './endpoint.ts'
