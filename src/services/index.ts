/**
 * Ready agents of one's own: what `sluice agent ./my-agent.js --config agents.yaml` loads (docs/ready-agents.md).
 *
 * @example
 * ```ts
 * import { defineReadyAgent } from 'sluice/services'
 *
 * const schema = {
 *   '~standard': { version: 1, vendor: 'mine', validate: () => ({ value: { least: 3 } }) },
 * } as const
 *
 * export default defineReadyAgent<{ least: number }>({
 *   about: 'refuses short names',
 *   schema,
 *   onError: 'open',
 *   verdicts: ['allow', 'deny'],
 *   passing: ['allow'],
 *   outputs: { length: { reset: 0, about: 'how long the name is' } },
 *   messages: [{ suffix: '', args: { name: 'string?' }, samples: { name: 'req.hdr(x-name)' }, event: 'on-frontend-http-request' }],
 *   rules: (variable) => [`http-request deny if { var(${variable('verdict')}) -m str deny }`],
 *   create: ({ least }) => ({
 *     answer({ name }) {
 *       const length = String(name ?? '').length
 *       return { verdict: length < least ? 'deny' : 'allow', reason: 'length', outputs: { length } }
 *     },
 *   }),
 * })
 * ```
 * @module
 */
export {
  byPolicy,
  commonOutputs,
  defineReadyAgent,
  type Answer,
  type MessageSpec,
  type OnError,
  type OutputSpec,
  type OutputValue,
  type ReadyAgent,
  type Service,
  type ServiceArguments,
  type ServiceEnvironment,
  type SourceState,
} from './frame/definition.ts'
export type { SchemaIssue, SchemaResult, StandardSchema } from './frame/standard-schema.ts'
export { ServiceError, serviceFaults, type ServiceErrorCode } from './errors.ts'
