/** Certificates for tests, made by the openssl command. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const openssl = spawnSync('openssl', ['version']).status === 0
if (!openssl) process.stderr.write('\nSKIPPED: the TLS tests need the openssl command\n\n')
/** For the option `skip` of a test. */
export const skipWithoutOpenssl = !openssl

/** A certificate and its key. */
export interface KeyPair {
  readonly cert: Buffer
  readonly key: Buffer
}

/**
 * A certificate authority, a server, another one and a client signed by it, one that has expired, and a stranger; the files
 * stay in the folder as NAME.pem and NAME.key.
 */
export function certificates(
  dir: string,
): { ca: Buffer } & Record<'server' | 'renewed' | 'client' | 'expired' | 'stranger', KeyPair> {
  const run = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  for (const ca of ['ca', 'stranger']) {
    const files = ['-keyout', `${ca}.key`, '-out', `${ca}.pem`]
    run('req', '-x509', ...key, '-days', '2', '-subj', `/CN=${ca}`, ...files)
  }
  writeFileSync(join(dir, 'names.cnf'), 'subjectAltName=DNS:agent.test,IP:127.0.0.1\n')
  for (const name of ['server', 'renewed', 'client', 'expired']) {
    run('req', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const signing = [
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      name === 'expired' ? '-1' : '2',
    ]
    run('x509', '-req', '-in', `${name}.csr`, ...signing, '-extfile', 'names.cnf', '-out', `${name}.pem`)
  }
  const read = (name: string) => readFileSync(join(dir, name))
  const pair = (name: string): KeyPair => ({ cert: read(`${name}.pem`), key: read(`${name}.key`) })
  return {
    ca: read('ca.pem'),
    server: pair('server'),
    renewed: pair('renewed'),
    client: pair('client'),
    expired: pair('expired'),
    stranger: pair('stranger'),
  }
}
