/** What `start` and `request` are given, looked at once and taken over. */
import { isAbortSignal } from '../../base/on-abort.ts'
import { requireArgument } from '../../base/options.ts'
import {
  checkBytes,
  checkFlag,
  checkInteger,
  checkMethods,
  checkObject,
  checkFunction,
  checkParams,
  readArgument,
} from '../arguments.ts'
import { isFcgiBody } from '../body.ts'
import { Role } from '../codec/begin-request.ts'
import type { ExchangeHandler, FcgiRequest, FcgiRequestInit } from './exchange-types.ts'

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function takeRequest(given: FcgiRequest): FcgiRequest {
  return readArgument('the request', () => {
    checkObject('the request', given)
    const { params, body, hasBody = false, role = Role.Responder, data } = given
    checkParams(params)
    if (body !== undefined) checkBytes('the request: body', body)
    checkFlag('the request: hasBody', hasBody)
    checkInteger('the request: role', role, 0xffff, 1)
    if (data !== undefined) {
      checkBytes('the request: data', data)
      requireArgument(role === Role.Filter, 'the request: data', 'is for the role of a filter', role)
    }
    return { params, body, hasBody, role, data }
  })
}

const required = ['onHead', 'onBody', 'onEnd', 'onError'] as const
const optional = ['onBodyEnd', 'onInformational', 'onDrain', 'onStderr'] as const

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkHandler(given: ExchangeHandler): void {
  checkMethods('the handler', given, required, optional)
}

/** What {@link takeRequest} does not look at. @throws UsageError `ERR_SLUICE_OPTION`. */
export function takeInit(given: FcgiRequestInit): FcgiRequestInit {
  return readArgument('the request', () => {
    checkObject('the request', given)
    const { params, role, body, data, signal, onInformational, onStderr } = given
    const isBody = body === undefined || isFcgiBody(body)
    requireArgument(isBody, 'the request: body', 'must be a string, bytes or an async iterable', body)
    const isSignal = signal === undefined || isAbortSignal(signal)
    requireArgument(isSignal, 'the request: signal', 'must be an AbortSignal', signal)
    if (onInformational !== undefined) checkFunction('the request: onInformational', onInformational)
    if (onStderr !== undefined) checkFunction('the request: onStderr', onStderr)
    const isData = data === undefined || typeof data === 'string' || data instanceof Uint8Array
    requireArgument(isData, 'the request: data', 'must be a string or bytes', data)
    const callbacks = {
      ...(onInformational === undefined ? {} : { onInformational }),
      ...(onStderr === undefined ? {} : { onStderr }),
    }
    return { params, body, data, signal, ...callbacks, ...(role === undefined ? {} : { role }) }
  })
}
