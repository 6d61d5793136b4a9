/**
 * FastCGI 1.0, both ends: `createFcgiClient` asks an application such as php-fpm, `createFcgiResponder` is one, and the
 * codec below them can be used alone.
 * @module
 */
export { createFcgiClient } from './client/client.ts'
export type { FcgiClient, FcgiClientStats } from './client/client.ts'
export type { FcgiClientOptions } from './client/options.ts'
export type {
  ExchangeHandler,
  FcgiEnd,
  FcgiExchange,
  FcgiProgress,
  FcgiRequest,
  FcgiRequestInit,
} from './client/exchange-types.ts'
export type { FcgiBody } from './body.ts'
export type { FcgiResponse } from './client/response.ts'
export { createFcgiResponder } from './responder/responder.ts'
export type { FcgiResponder, FcgiResponderStats } from './responder/responder.ts'
export type { FcgiHandler, FcgiResponderOptions } from './responder/options.ts'
export type { FcgiContext, FcgiReply, FcgiRole } from './responder/context.ts'
export { phpFpm } from './php/php-fpm.ts'
export type {
  FastifyInstance,
  FastifyPhpOptions,
  FastifyReply,
  FastifyRequest,
  HonoContext,
  KoaContext,
  PhpFpm,
} from './php/php-fpm.ts'
export type { ExtraParams, PhpFpmOptions, PhpRequest } from './php/options.ts'
export type { FetchConnection } from './php/fetch-handler.ts'
export { serveFcgi } from './app/serve.ts'
export type { FcgiAppServer, ServableApp, ServeFcgiOptions } from './app/serve.ts'
export type { FetchEnvironment, FetchHandler } from './app/fetch-exchange.ts'
export type { NodeListener } from './app/node-exchange.ts'
export { readAuthorization } from './codec/authorization.ts'
export type { FcgiAuthorization } from './codec/authorization.ts'
export { readHttpRequest } from './codec/http-request.ts'
export type { CgiRequest } from './codec/http-request.ts'
export type { ReplyHeaders } from './codec/reply-head.ts'
export { HeaderList } from '../http1/index.ts'
export { resolveFcgiApp } from './codec/app.ts'
export type { FcgiApp, FcgiAppOptions } from './codec/app.ts'
export { deriveEnvironment } from './codec/environment.ts'
export type { EnvironmentRequest, EnvironmentRules } from './codec/environment.ts'
export { hiddenHeaders } from './codec/header-params.ts'
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
} from './codec/record.ts'
export { BeginFlag, decodeBeginRequest, encodeBeginRequest, Role } from './codec/begin-request.ts'
export type { BeginRequest } from './codec/begin-request.ts'
export { decodeEndRequest, encodeEndRequest, ProtocolStatus } from './codec/end-request.ts'
export type { EndRequest } from './codec/end-request.ts'
export { decodeUnknownType, encodeUnknownType } from './codec/unknown-type.ts'
export { decodePairs } from './codec/name-value.ts'
export type { OnPair } from './codec/name-value.ts'
export { encodeParams } from './codec/params.ts'
export { ParamsDecoder } from './codec/params-decoder.ts'
export type { Param, ParamEncoding, ParamLimits } from './codec/params.ts'
export {
  decodeGetValues,
  decodeGetValuesResult,
  encodeGetValues,
  encodeGetValuesResult,
  valueNames,
} from './codec/values.ts'
export type { FcgiValues } from './codec/values.ts'
export { CgiResponseDecoder } from './codec/cgi-response.ts'
export type { CgiHead, CgiResponseOptions, CgiResponseSink } from './codec/cgi-response.ts'
export { formatStderr } from './codec/stderr.ts'
