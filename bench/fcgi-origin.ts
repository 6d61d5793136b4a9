/** The FastCGI applications of the proxy cases: php-fpm, one of libfcgi in C, one in Go; all on core 1. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildGo, compile, hasProgram, pin, start } from './processes.js'
import type { Listening, Origin } from './origin.js'
import { findPhpFpm, startPhpFpm } from '../test/support/php-fpm.js'

const setups = ['fcgi', 'fcgi-c', 'fcgi-go', 'fcgi-go-mux'] as const

/** php-fpm, libfcgi, Go, and Go with many requests on one connection. */
export type FcgiSetup = (typeof setups)[number]

export function isFcgi(setup: string): setup is FcgiSetup {
  return (setups as readonly string[]).includes(setup)
}

/** Such an application takes one request at a time: there must be one for each connection that a gateway can have in use. */
const workers = 40

/** The packages that are not installed, of what the application of a setup wants. */
export function missingForFcgi(setup: FcgiSetup): string[] {
  switch (setup) {
    case 'fcgi':
      return findPhpFpm() === undefined ? ['php-fpm'] : []
    case 'fcgi-c':
      return compile('fcgi-app', '-lfcgi') === undefined ? ['libfcgi-dev'] : []
    case 'fcgi-go':
    case 'fcgi-go-mux':
      return hasProgram('go') ? [] : ['golang-go']
  }
}

export async function startFcgiOrigin(setup: FcgiSetup): Promise<Origin> {
  switch (setup) {
    case 'fcgi':
      return startPhp()
    case 'fcgi-c':
      return startApp(compile('fcgi-app', '-lfcgi'), String(workers))
    case 'fcgi-go':
    case 'fcgi-go-mux':
      return startApp(buildGo('fcgi-app'))
  }
}

async function startPhp(): Promise<Origin> {
  const php = await startPhpFpm({ scripts: { 'hello.php': '<?php echo "hello";' }, children: workers })
  pin(1, php.pid)
  return { address: php.socket, path: '/hello.php', docroot: php.docroot, stop: () => php.stop() }
}

/** A program that is given the socket to listen on. */
export async function startApp(program = 'no program', ...args: readonly string[]): Promise<Origin> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const socket = join(folder, 'app.sock')
  const running = await start(1, [program, socket, ...args])
  const stop = async () => {
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { address: socket, path: '/hello', stop }
}

/** For {@link proxyConfiguration}. */
export function fcgiBackend(setup: FcgiSetup, { address, docroot = '/srv/www' }: Listening): string {
  const multiplexed = '    option mpxs-conns\n    option max-reqs 64\n'
  return `    default_backend app
backend app
    use-fcgi-app app
    http-reuse always
    server app unix@${address} proto fcgi
fcgi-app app
    docroot ${docroot}
    index hello.php
    option keep-conn
${setup === 'fcgi-go-mux' ? multiplexed : ''}`
}
