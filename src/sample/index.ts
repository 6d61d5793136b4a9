/**
 * HAProxy's sample language: values, fetches, converters, ACLs, conditions, variables and log formats, compiled from
 * words and evaluated against a {@link Stream}. Pure: files, environment, clock and randomness are handed in.
 * @module
 */
export { compileAcl, compileTest } from './acl-compiler.ts'
export { evaluateAcl } from './acl.ts'
export type { Acl, AclTest } from './acl.ts'
export { castTo, canCast, toSint, toStr } from './cast.ts'
export type { Cast } from './cast.ts'
export { compileCondition, compileTerms } from './condition.ts'
export type { Condition } from './condition.ts'
export type { BuildContext } from './build-context.ts'
export type { CompileContext } from './context.ts'
export type { Converter, ConverterSpec } from './converters/spec.ts'
export { defaultRegistry } from './default-registry.ts'
export { sampleFaults } from './errors.ts'
export type { SampleFault } from './errors.ts'
export { compileExpression, compileExpressionWords } from './expression-compiler.ts'
export type { Expression } from './expression.ts'
export type { Fetch, FetchSpec } from './fetches/spec.ts'
export { compileLogFormat } from './log-format.ts'
export type { LogFormat, LogFormatUse } from './log-format.ts'
export { extendRegistry } from './registry.ts'
export type { SampleExtensions, SampleRegistry } from './registry.ts'
export { renderSampleReference } from './reference.ts'
export { compileRegex, compileReplacement } from './regex.ts'
export { available, eventCheckpoints } from './checkpoint.ts'
export type { Checkpoint, SampleSource } from './checkpoint.ts'
export type {
  RequestState,
  SampleEndpoint,
  SampleFcgiApp,
  SampleHeaders,
  SampleNamed,
  SampleRequest,
  SampleResponse,
  Stream,
  StreamLog,
} from './stream.ts'
export { formatClfDate, formatLogDate, strftime } from './strftime.ts'
export { addr, bin, bool, bytesOf, integerOf, meth, sint, str, textOf, truthOf } from './value.ts'
export type { Integer, SampleType, SampleValue } from './value.ts'
export {
  VariableNames,
  VariableStore,
  parseVariableName,
  setConditions,
  variableScopes,
} from './variables.ts'
export type { SetCondition, VariableName, VariableScope } from './variables.ts'
export { Verdict, negateVerdict } from './verdict.ts'
export { PatternCache } from './patterns/pattern-cache.ts'
