/** The certificates of `sluice agent`: files that are read when it starts, and again at SIGHUP. */
import type { TlsOptions } from 'node:tls'
import { UsageError } from '../base/errors.ts'
import { readFile } from './read-file.ts'

/** The flags that name the files. */
export interface CertificateFlags {
  /** `--cert FILE`: the agent's certificate, with those between it and its authority. */
  readonly cert?: string
  /** `--key FILE`: its key. */
  readonly key?: string
  /** `--client-ca FILE`: the authorities that must have signed the certificates of clients. */
  readonly clientCa?: string
}

/**
 * Reads the files; undefined when none is named: the agent speaks without TLS then.
 * @throws UsageError `ERR_SLUICE_OPTION` for one that cannot be read, or is named without its like.
 */
export function readCertificates({ cert, key, clientCa }: CertificateFlags): TlsOptions | undefined {
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined
  if (cert === undefined || key === undefined)
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      'TLS wants --cert FILE and --key FILE, --client-ca FILE with them',
    )
  const own = { cert: readFile('--cert', cert), key: readFile('--key', key) }
  return clientCa === undefined ? own : { ...own, ca: readFile('--client-ca', clientCa), requestCert: true }
}
