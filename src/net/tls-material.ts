/** Certificates and keys as options hold them: their contents, as node:tls wants them. */

/** Those that hold what is in files. */
const materials = ['cert', 'key', 'pfx', 'ca', 'crl'] as const
/** No PEM, one line, and looks like the name of a file. */
const pathPattern =
  /^(?!.*-----BEGIN)(?:(?:\.{0,2}[/\\]|[a-zA-Z]:[/\\]).{0,4096}|.{1,255}\.(?:pem|crt|cer|key|der|p12|pfx|crl))$/

/**
 * What is wrong with certificates and keys that are given by the names of their files.
 * OpenSSL would say "no start line" of a path, and of one as `ca` nothing at all. The value is not shown: it may be a key.
 */
export function complaintOfPaths(tls: Readonly<Record<string, unknown>>): string | undefined {
  for (const name of materials) {
    const values = [tls[name]].flat()
    if (!values.some((each) => typeof each === 'string' && pathPattern.test(each))) continue
    return `has a path as '${name}': what is in the file is wanted, readFileSync(path)`
  }
  return undefined
}
