/** All fetches. */
import { bodyFetches } from './body.ts'
import { bufferFetches } from './buffer.ts'
import { captureFetches } from './captures.ts'
import { connectionFetches } from './connection.ts'
import { constantFetches } from './constant.ts'
import { cookieFetches } from './cookies.ts'
import { headerFetches } from './headers.ts'
import { requestLineFetches } from './request-line.ts'
import type { FetchSpec } from './spec.ts'
import { tlsHelloFetches } from './tls-hello.ts'
import { variableFetches } from './variable.ts'

/** Every fetch, in the order of the documentation. */
export const fetches: readonly FetchSpec[] = [
  ...constantFetches,
  ...variableFetches,
  ...connectionFetches,
  ...bufferFetches,
  ...tlsHelloFetches,
  ...requestLineFetches,
  ...headerFetches,
  ...cookieFetches,
  ...bodyFetches,
  ...captureFetches,
]
