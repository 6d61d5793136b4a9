/**
 * The proxy: takes an HAProxy configuration, accepts TCP and HTTP/1.1 traffic as it says, asks agents through its SPOE
 * filters, and reaches servers over TCP, HTTP/1.1 or FastCGI.
 * @module
 */
export { formatDiagnostic } from '../config/index.ts'
export type { Diagnostic, Environment, Place, Severity } from '../config/index.ts'
export { ProxyError, proxyFaults } from './errors.ts'
export type { ProxyErrorCode } from './errors.ts'
export { loadProxy } from './load.ts'
export type { LoadedProxy, LoadOptions, MountedAgent } from './load-options.ts'
export { phases, phasesOf } from './plan/phases.ts'
export type { Phase } from './plan/phases.ts'
export type { Plan } from './plan/opaque.ts'
export { createProxy } from './proxy.ts'
export type { Proxy } from './proxy.ts'
export type { ProxyOptions, ProxyRecorder } from './settings.ts'
export type {
  BackendStats,
  FrontendStats,
  ProxyStats,
  ServerStats,
  SpoeStats,
  StreamCounts,
} from './control/stats.ts'
export type { ProxyStatusOptions, ProxyStatusPort } from './control/status-options.ts'
export type { CheckStats } from './plan/check-stats.ts'
