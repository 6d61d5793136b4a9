/** Gets a list over HTTP: within a time and a size, and only when it has changed. */
import { errorMessage } from '../../base/errors.ts'

/** What tells one version of a list from another. */
export interface Version {
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
}

/** How to get it. */
export interface DownloadRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds for all of it. */
  readonly timeout: number
  readonly maxBytes: number
  /** The version that is there already. */
  readonly have: Version | undefined
  /** Ends it before its time. */
  readonly signal: AbortSignal
}

/** A new list; undefined when the one that is there is still the newest. */
export type Download = { readonly bytes: Uint8Array<ArrayBuffer>; readonly version: Version } | undefined

/** @throws Error that says why there is none. */
export async function download(request: DownloadRequest): Promise<Download> {
  const { url, headers, timeout, have } = request
  const conditions = {
    ...(have?.etag === undefined ? {} : { 'if-none-match': have.etag }),
    ...(have?.lastModified === undefined ? {} : { 'if-modified-since': have.lastModified }),
  }
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeout)])
  const response = await ask(url, { headers: { ...headers, ...conditions }, signal }, timeout)
  if (response.status === 304 && have !== undefined) return undefined
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`the server answers ${response.status}`)
  }
  const bytes = await readBody(response, request.maxBytes).catch((error: unknown) => {
    throw new Error(whyNot(error, timeout), { cause: error })
  })
  const version = {
    etag: response.headers.get('etag') ?? undefined,
    lastModified: response.headers.get('last-modified') ?? undefined,
  }
  return { bytes, version }
}

async function ask(url: string, init: RequestInit, timeout: number): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    throw new Error(whyNot(error, timeout), { cause: error })
  }
}

function whyNot(error: unknown, timeout: number): string {
  if ((error as { name?: unknown }).name === 'TimeoutError') return `not within ${timeout} ms`
  const cause = (error as { cause?: unknown }).cause
  return cause === undefined ? errorMessage(error) : errorMessage(cause)
}

async function readBody(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes (max_bytes)`)
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
