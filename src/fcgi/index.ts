/**
 * FastCGI 1.0, both ends: `createFcgiClient` asks an application such as php-fpm, `createFcgiResponder` is one, and the
 * codec below them can be used alone.
 * @module
 */
export { createFcgiClient } from './client.ts'
export type { FcgiClient, FcgiClientStats } from './client.ts'
export type { FcgiClientOptions } from './client-options.ts'
export type { ExchangeHandler, FcgiEnd, FcgiExchange, FcgiRequest } from './exchange-types.ts'
export type { FcgiBody, FcgiRequestInit, FcgiResponse } from './response.ts'
export { createFcgiResponder } from './responder.ts'
export type { FcgiResponder, FcgiResponderStats } from './responder.ts'
export type { FcgiHandler, FcgiResponderOptions } from './responder-options.ts'
export type { FcgiContext, FcgiReply } from './responder-request.ts'
export type { ReplyHeaders } from './reply-head.ts'
export { HeaderList } from '../http1/index.ts'
export { deriveEnvironment, hiddenHeaders, resolveFcgiApp } from './environment.ts'
export type { EnvironmentRequest, EnvironmentRules, FcgiApp, FcgiAppOptions } from './environment.ts'
export { FcgiError, fcgiFaults } from './errors.ts'
export type { FcgiErrorCode, FcgiErrorOptions } from './errors.ts'
export {
  encodeRecord,
  encodeRecordHeader,
  fcgiVersion,
  headerSize,
  managementId,
  maxContentSize,
  recordFraming,
  RecordReader,
  RecordType,
  recordTypeName,
} from './record.ts'
export { BeginFlag, decodeBeginRequest, encodeBeginRequest, Role } from './begin-request.ts'
export type { BeginRequest } from './begin-request.ts'
export { decodeEndRequest, encodeEndRequest, ProtocolStatus } from './end-request.ts'
export type { EndRequest } from './end-request.ts'
export { decodeUnknownType, encodeUnknownType } from './unknown-type.ts'
export { decodePairs } from './name-value.ts'
export type { OnPair } from './name-value.ts'
export { encodeParams, ParamsDecoder } from './params.ts'
export type { Param, ParamEncoding, ParamLimits } from './params.ts'
export {
  decodeGetValues,
  decodeGetValuesResult,
  encodeGetValues,
  encodeGetValuesResult,
  valueNames,
} from './values.ts'
export type { FcgiValues } from './values.ts'
export { CgiResponseDecoder } from './cgi-response.ts'
export type { CgiHead, CgiResponseOptions, CgiResponseSink } from './cgi-response.ts'
export { formatStderr } from './stderr.ts'
