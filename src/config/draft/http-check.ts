/** What a health check asks when nothing is said. */
import type { HttpCheckRound } from '../model/http-check.ts'

/** Of `option httpchk` alone, and of an `http-check connect` with nothing behind it. */
export const defaultRound: HttpCheckRound = {
  connect: undefined,
  isSaid: false,
  method: 'OPTIONS',
  uri: '/',
  version: 'HTTP/1.0',
  headers: [],
  body: '',
  expects: [],
}
