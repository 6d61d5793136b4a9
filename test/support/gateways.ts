/**
 * The gateways that FastCGI applications stand behind, started for a test: nginx, Apache, lighttpd, HAProxy, and `sluice
 * run` with HAProxy's configuration.
 *
 * @example
 * const gateway = await startGateway(t, 'nginx', '/run/app.sock')
 * await fetch(`http://127.0.0.1:${gateway.port}/`)
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { skipWithoutHaproxy, startHaproxy } from './haproxy.ts'
import { freePorts } from './ports.ts'
import { startSluice } from './sluice.ts'

/** All of them. */
export const gateways = ['nginx', 'apache', 'lighttpd', 'haproxy', 'sluice'] as const

/** One of {@link gateways}. */
export type GatewayName = (typeof gateways)[number]

/** A running gateway. */
export interface Gateway {
  readonly port: number
  readonly logs: () => string
}

/** What differs from a gateway that hands everything to the application. */
export interface GatewayOptions {
  /** Where nginx, Apache and lighttpd look for files. @default an empty folder */
  readonly docroot?: string
  /** Lines for the `server` of nginx, or the whole configuration of Apache and lighttpd, in place of what is there. */
  readonly lines?: string
}

interface Cleanup {
  after(callback: () => void | Promise<void>): void
}

const programs = {
  nginx: { path: '/usr/sbin/nginx', packages: 'nginx-light' },
  apache: { path: '/usr/sbin/apache2', packages: 'apache2' },
  lighttpd: { path: '/usr/sbin/lighttpd', packages: 'lighttpd' },
} as const

/** For the `skip` option of a test; under CI a missing one is an error. */
export function skipWithoutGateway(name: GatewayName): false | string {
  if (name === 'sluice') return false
  if (name === 'haproxy') return skipWithoutHaproxy()
  const { path, packages } = programs[name]
  if (existsSync(path)) return false
  const reason = `${name} is not installed (Debian: apt-get install ${packages})`
  if (process.env['CI']) throw new Error(reason)
  process.stderr.write(`\nSKIPPED: ${reason}\n\n`)
  return reason
}

/** Starts one before an application that listens on `host:port` or `/path`, and waits until it accepts. */
export async function startGateway(
  t: Cleanup,
  name: GatewayName,
  endpoint: string,
  options: GatewayOptions = {},
): Promise<Gateway> {
  if (name === 'haproxy' || name === 'sluice') {
    const start = name === 'haproxy' ? startHaproxy : startSluice
    const running = await start({ ports: ['fe'], config: ({ fe }) => haproxyConfig(fe, endpoint) })
    t.after(() => running.stop())
    return { port: running.ports.fe, logs: () => running.logs() }
  }
  const dir = mkdtempSync(join(tmpdir(), `${name}-test-`))
  const [port = 0] = await freePorts(1)
  const docroot = options.docroot ?? dir
  const file = join(dir, 'gateway.conf')
  writeFileSync(file, texts[name]({ dir, port, docroot, endpoint, lines: options.lines }))
  return startProgram(t, programs[name].path, commands[name](dir, file), dir, port)
}

interface Place {
  readonly dir: string
  readonly port: number
  readonly docroot: string
  readonly endpoint: string
  readonly lines: string | undefined
}

const commands = {
  nginx: (dir: string, file: string) => ['-p', dir, '-c', file],
  // One process in the foreground.
  apache: (dir: string, file: string) => ['-X', '-d', dir, '-f', file],
  lighttpd: (_: string, file: string) => ['-D', '-f', file],
} as const

const texts = { nginx: nginxConfig, apache: apacheConfig, lighttpd: lighttpdConfig } as const

async function startProgram(
  t: Cleanup,
  program: string,
  args: readonly string[],
  dir: string,
  port: number,
): Promise<Gateway> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const collect = (chunk: Buffer) => void (output += chunk.toString('latin1'))
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  t.after(async () => {
    child.kill('SIGTERM')
    const killer = setTimeout(() => child.kill('SIGKILL'), 3000)
    await exited
    clearTimeout(killer)
    rmSync(dir, { recursive: true, force: true })
  })
  const logs = () => {
    const log = join(dir, 'error.log')
    return output + (existsSync(log) ? readFileSync(log, 'latin1') : '')
  }
  for (let tries = 0; tries < 500 && child.exitCode === null; tries++) {
    if (await accepts(port)) return { port, logs }
    await sleep(20)
  }
  throw new Error(`${program} did not start\n${logs()}`)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(port, '127.0.0.1')
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}

/** What nginx's own fastcgi_params has. Debian's takes the port from the Host header besides. */
export const nginxParams = [
  ['QUERY_STRING', '$query_string'],
  ['REQUEST_METHOD', '$request_method'],
  ['CONTENT_TYPE', '$content_type'],
  ['CONTENT_LENGTH', '$content_length'],
  ['SCRIPT_NAME', '$fastcgi_script_name'],
  ['REQUEST_URI', '$request_uri'],
  ['DOCUMENT_URI', '$document_uri'],
  ['DOCUMENT_ROOT', '$document_root'],
  ['SERVER_PROTOCOL', '$server_protocol'],
  ['REQUEST_SCHEME', '$scheme'],
  ['HTTPS', '$https if_not_empty'],
  ['GATEWAY_INTERFACE', 'CGI/1.1'],
  ['SERVER_SOFTWARE', 'nginx/$nginx_version'],
  ['REMOTE_ADDR', '$remote_addr'],
  ['REMOTE_PORT', '$remote_port'],
  ['SERVER_ADDR', '$server_addr'],
  ['SERVER_PORT', '$server_port'],
  ['SERVER_NAME', '$server_name'],
] as const

function nginxConfig({ dir, port, docroot, endpoint, lines }: Place): string {
  const address = endpoint.startsWith('/') ? `unix:${endpoint}` : endpoint
  const folders = ['client_body', 'fastcgi', 'proxy', 'uwsgi', 'scgi']
  return `daemon off;
master_process off;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log info;
events {}
http {
  access_log off;
  ${folders.map((each) => `${each}_temp_path ${dir}/${each};`).join('\n  ')}
  upstream app { server ${address}; keepalive 8; }
  server {
    listen 127.0.0.1:${port};
    root ${docroot};
    client_max_body_size 0;
    ${nginxParams.map(([name, value]) => `fastcgi_param ${name} ${value};`).join('\n    ')}
    fastcgi_keep_conn on;
    ${
      lines ??
      `location / {
      fastcgi_pass app;
      fastcgi_buffering off;
      fastcgi_request_buffering off;
    }`
    }
  }
}
`
}

function apacheConfig({ dir, port, docroot, endpoint, lines }: Place): string {
  const modules = ['mpm_event', 'authz_core', 'proxy', 'proxy_fcgi', 'dir', 'mime', 'rewrite']
  const target = endpoint.startsWith('/') ? `unix:${endpoint}|fcgi://app/` : `fcgi://${endpoint}/`
  return `${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${dir}/apache.pid
DefaultRuntimeDir ${dir}
ErrorLog ${dir}/error.log
User www-data
Group www-data
DocumentRoot ${docroot}
TypesConfig /dev/null
<Directory />
  Require all granted
</Directory>
${lines ?? `ProxyPass "/" "${target}" enablereuse=on flushpackets=on`}
`
}

function lighttpdConfig({ port, docroot, endpoint, lines }: Place): string {
  const colon = endpoint.lastIndexOf(':')
  const address = endpoint.startsWith('/')
    ? `"socket" => "${endpoint}"`
    : `"host" => "${endpoint.slice(0, colon)}", "port" => ${endpoint.slice(colon + 1)}`
  return `server.document-root = "${docroot}"
server.bind = "127.0.0.1"
server.port = ${port}
${
  lines ??
  `server.modules = ("mod_fastcgi")
server.stream-request-body = 2
server.stream-response-body = 2
fastcgi.server = ("/" => ((${address}, "check-local" => "disable", "fix-root-scriptname" => "enable")))`
}
`
}

function haproxyConfig(port: number, endpoint: string): string {
  const address = endpoint.startsWith('/') ? `unix@${endpoint}` : endpoint
  return `global
  log stdout format raw local0
defaults
  mode http
  log global
  timeout client 20s
  timeout server 20s
  timeout connect 5s
frontend fe
  bind 127.0.0.1:${port}
  default_backend be
backend be
  use-fcgi-app app
  server app ${address} proto fcgi
fcgi-app app
  docroot /srv/www
`
}
