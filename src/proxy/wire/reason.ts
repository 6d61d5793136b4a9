/** Reason phrases as HAProxy 2.6 writes them for replies of its own (`http_get_reason` in src/http.c). */
import { reasonPhrase } from '../../http1/index.ts'

/** Where HAProxy's word differs from RFC 9110, or where the RFC has none. */
const differing = new Map<number, string>([
  [207, 'Multi-Status'],
  [210, 'Content Different'],
  [226, 'IM Used'],
  [302, 'Moved Temporarily'],
  [305, 'Use Proxy'],
  [310, 'Too many Redirects'],
  [408, 'Request Time-out'],
  [413, 'Request Entity Too Large'],
  [414, 'Request-URI Too Long'],
  [416, 'Requested range unsatisfiable'],
  [417, 'Expectation failed'],
  [421, 'Misdirected Request'],
  [422, 'Unprocessable Content'],
  [424, 'Method failure'],
  [449, 'Retry With'],
  [450, 'Blocked by Windows Parental Controls'],
  [456, 'Unrecoverable Error'],
  [499, 'client has closed connection'],
  [502, 'Bad Gateway or Proxy Error'],
  [504, 'Gateway Time-out'],
  [505, 'HTTP Version not supported'],
  [506, 'Variant also negotiate'],
  [507, 'Insufficient storage'],
  [508, 'Loop detected'],
  [509, 'Bandwidth Limit Exceeded'],
  [510, 'Not extended'],
  [511, 'Network authentication required'],
  [520, 'Web server is returning an unknown error'],
])

const classes = ['Other', 'Informational', 'Success', 'Redirection', 'Client Error', 'Server Error']

/** The phrase of a status, or that of its class. */
export function haproxyReason(status: number): string {
  const phrase = differing.get(status) ?? reasonPhrase(status)
  return phrase === 'Other' ? (classes[Math.floor(status / 100)] ?? phrase) : phrase
}
