import { Framing, HeaderKind, parseContentLength } from '../../http1/index.ts'
import type { HeaderList } from '../../http1/index.ts'
import { FcgiError } from '../errors.ts'

/**
 * How the body ends. `chunked` from an application is decoded, as HAProxy does; the header goes.
 * @throws FcgiError `ERR_FCGI_HEADERS`
 */
export function takeFraming(headers: HeaderList): Framing {
  if (!headers.mayHave(framingKinds)) return Framing.UntilClose
  const coding = headers.get('transfer-encoding')
  if (coding === '' && headers.all('transfer-encoding').length === 1) headers.delete('transfer-encoding')
  else if (coding !== undefined) {
    const isAlone = headers.all('transfer-encoding').length === 1 && !headers.has('content-length')
    if (!isAlone || coding.toLowerCase() !== 'chunked') {
      throw new FcgiError('ERR_FCGI_HEADERS', `Transfer-Encoding ${JSON.stringify(coding.slice(0, 40))}`)
    }
    headers.delete('transfer-encoding')
    return Framing.Chunked
  }
  const lengths = headers.all('content-length')
  const [first] = lengths
  if (first === undefined) return Framing.UntilClose
  if (lengths.some((each) => each !== first)) {
    throw new FcgiError('ERR_FCGI_HEADERS', 'Content-Length is there with two values')
  }
  const length = first.includes(',') ? repeated(first) : first
  if (lengths.length > 1 || length !== first) headers.set('Content-Length', length)
  try {
    return parseContentLength(length)
  } catch (error) {
    throw new FcgiError('ERR_FCGI_HEADERS', (error as Error).message, { cause: error })
  }
}

/** What a list says again and again, which is what several fields become on their way; or the list, which is no length. */
function repeated(list: string): string {
  const [first = '', ...others] = list.split(',').map((each) => each.trim())
  return others.every((each) => each === first) ? first : list
}

const framingKinds = (1 << HeaderKind.ContentLength) | (1 << HeaderKind.TransferEncoding)
