/** Fields of a response that are about a connection, which here is the gateway's affair; `Status` is CGI's own. */
const withheld = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'status',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Whether a field of that name stays behind. */
export function isWithheld(name: string): boolean {
  return withheld.has(name.toLowerCase())
}

/** The fields of an HTTP response that go into a CGI response. */
export function replyFields(fields: Iterable<readonly [string, string]>): [string, string][] {
  const kept: [string, string][] = []
  for (const [name, value] of fields) if (!isWithheld(name)) kept.push([name, value])
  return kept
}
