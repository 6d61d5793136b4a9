/** What the gateways of the proxy cases are configured with, and what stands behind them on core 1. */
import { messageName } from './payloads.js'
import { compile, pin, start, startScript } from './processes.js'
import { startPhpFpm } from '../test/support/php-fpm.js'

export type ProxyCaseName = 'proxy-http' | 'proxy-spoe' | 'proxy-fcgi'

/** Where an origin, an agent or php-fpm listens. */
export interface Listening {
  readonly address: string
  /** Of the scripts of php-fpm. */
  readonly docroot?: string
}

/** One that was started here. */
export interface Origin extends Listening {
  /** What the client asks for. */
  readonly path: string
  stop(): Promise<void>
}

/** `length` is that of the body of an answer. */
export async function startOrigin(name: ProxyCaseName, length: number): Promise<Origin> {
  if (name === 'proxy-fcgi') {
    // A worker has one connection: there must be one for each that a gateway can have in use.
    const php = await startPhpFpm({ scripts: { 'hello.php': '<?php echo "hello";' }, children: 40 })
    pin(1, php.pid)
    return { address: php.socket, path: '/hello.php', docroot: php.docroot, stop: () => php.stop() }
  }
  const running = await (name === 'proxy-spoe'
    ? startScript(1, 'agent-server', 'one')
    : start(1, [compile('http-origin') ?? '', String(length)]))
  return { address: `127.0.0.1:${running.line}`, path: '/', stop: () => running.stop() }
}

/** The files of a gateway; `haproxy.cfg` is the first to be read. */
export function proxyConfiguration(
  name: ProxyCaseName,
  port: number,
  origin: Listening,
): Readonly<Record<string, string>> {
  const head = `
global
    nbthread 1
    maxconn 1000
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 1m
frontend fe
    bind 127.0.0.1:${port}`
  switch (name) {
    case 'proxy-http':
      return { 'haproxy.cfg': `${head}\n${httpBackend(origin)}` }
    case 'proxy-fcgi':
      return { 'haproxy.cfg': `${head}\n${fcgiBackend(origin)}` }
    case 'proxy-spoe':
      return { 'haproxy.cfg': `${head}\n${spoeBackend(origin)}`, 'spoe.conf': spoe }
  }
}

const httpBackend = ({ address }: Listening) => `    default_backend be
backend be
    server origin ${address}
`

const fcgiBackend = ({ address, docroot }: Listening) => `    default_backend php
backend php
    use-fcgi-app php
    http-reuse always
    server fpm unix@${address} proto fcgi
fcgi-app php
    docroot ${docroot}
    index hello.php
    option keep-conn
`

const spoeBackend = ({ address }: Listening) => `    filter spoe engine bench config spoe.conf
    http-request return status 200 content-type text/plain string ok hdr x-score %[var(sess.b.ip_score)]
backend agents
    mode tcp
    server agent ${address}
`

const spoe = `
[bench]
spoe-agent bench
    messages ${messageName}
    option var-prefix b
    timeout hello 2s
    timeout idle 1m
    timeout processing 1s
    use-backend agents
spoe-message ${messageName}
    args ip=src
    event on-frontend-http-request
`
