/** `fcgi-app` and `http-errors` sections while they are being read. */
import { defaults } from '../model/defaults.ts'
import type { FcgiApp, HttpErrors } from '../model/index.ts'
import type { Place } from '../text/diagnostics.ts'
import type { Draft } from '../text/writable.ts'

/** A `fcgi-app` section being read. */
export type FcgiAppDraft = Draft<FcgiApp>

/** A `http-errors` section being read. */
export type HttpErrorsDraft = Draft<HttpErrors>

/** One with nothing set. */
export function createFcgiAppDraft(name: string, place: Place): FcgiAppDraft {
  return {
    name,
    place,
    docroot: undefined,
    index: undefined,
    pathInfo: undefined,
    logStderr: [],
    acls: [],
    rules: [],
    keepConn: true,
    getValues: false,
    maxReqs: defaults.fcgi.maxReqs,
    mpxsConns: false,
    maxUnsizedBody: defaults.fcgi.maxUnsizedBody,
    unsizedBodyMemory: undefined,
    abortRequest: true,
  }
}
