/** What stands behind sluice, or before it, when smuggling.test.ts asks what others read of what it sends. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readMessage } from '../sequences/message.ts'
import type { Message } from '../sequences/message.ts'
import { freePorts } from '../support/ports.ts'

/** A server that keeps what it reads and answers each request with its method and target. */
export interface Recorder {
  readonly port: number
  /** `METHOD target body` of each whole request since the last call of `begin`. */
  readonly requests: readonly string[]
  begin(): void
  stop(): void
}

/** How a request is written down: the scheme and the authority of a target are not what is compared. */
function noteOf(method: string, target: string, body: string): string {
  const path = target.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/^(?=\?|$)/, '/')
  return `${method} ${path} ${JSON.stringify(body)}`
}

/** Reads with the parser of the sequences, which takes what it can; keeps whole messages, and what is no request. */
export class RawRecorder implements Recorder {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  requests: string[] = []
  messages: Message[] = []
  /** Bytes that are no request. */
  garbage: string[] = []

  constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      this.#serve(socket)
    })
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  begin(): void {
    this.requests = []
    this.messages = []
    this.garbage = []
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #serve(socket: Socket): void {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      for (;;) {
        const message = readMessage(text, { side: 'request', ended: false })
        if (message?.wrong !== undefined || (message === undefined && text.length > 65_536)) {
          this.garbage.push(text)
          return void socket.destroy()
        }
        if (message?.complete !== true) return
        text = text.slice(message.used)
        this.#take(message)
        socket.write(answerTo(message.line))
      }
    })
  }

  #take(message: Message): void {
    this.messages.push(message)
    const match = /^(\S+) (.*) HTTP\/1\.[01]$/.exec(message.line)
    if (match === null) return void this.garbage.push(message.line)
    this.requests.push(noteOf(match[1] ?? '', match[2] ?? '', message.body))
  }
}

/** What the victim of a mix-up looks for: its own method and target. */
function answerTo(line: string): string {
  const [method = '', target = ''] = line.split(' ')
  const body = `${method} ${target}`
  const status = method === 'CONNECT' ? '403 No' : '200 OK'
  return `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${method === 'HEAD' ? '' : body}`
}

/** The same with node:http. */
export class NodeRecorder implements Recorder {
  readonly #server: HttpServer
  requests: string[] = []

  constructor() {
    this.#server = createHttpServer((request, response) => this.#serve(request, response))
    this.#server.on('checkContinue', (request, response) => {
      response.writeContinue()
      this.#serve(request, response)
    })
    this.#server.on('connect', (request: IncomingMessage, socket: Socket) => {
      this.requests.push(noteOf('CONNECT', request.url ?? '', ''))
      socket.end('HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    })
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  begin(): void {
    this.requests = []
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    let body = ''
    request.on('data', (chunk: Buffer) => void (body += chunk.toString('latin1')))
    request.on('error', () => {})
    request.on('end', () => {
      const { method = '', url = '' } = request
      this.requests.push(noteOf(method, url, body))
      response.end(`${method} ${url}`)
    })
  }
}

/** Whether nginx is here: `nginx` in the PATH or in /usr/sbin. */
export function findNginx(): string | undefined {
  return ['nginx', '/usr/sbin/nginx'].find((program) => spawnSync(program, ['-v']).status === 0)
}

/** An nginx that passes each port on to another; `stop` ends it. */
export async function startNginx(
  program: string,
  targets: readonly number[],
): Promise<{ readonly ports: readonly number[]; stop(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'nginx-test-'))
  const ports = await freePorts(targets.length)
  writeFileSync(join(dir, 'nginx.conf'), nginxConfig(ports, targets))
  const args = ['-p', dir, '-e', 'error.log', '-c', 'nginx.conf', '-g', 'daemon off;']
  const child = spawn(program, args, { stdio: 'ignore' })
  const ended = once(child, 'close')
  for (let tries = 0; tries < 250 && !(await accepts(ports[0] ?? 0)); tries++) await sleep(20)
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
    rmSync(dir, { recursive: true, force: true })
  }
  return { ports, stop }
}

function nginxConfig(ports: readonly number[], targets: readonly number[]): string {
  const servers = ports.map(
    (port, at) =>
      `upstream u${at} { server 127.0.0.1:${targets[at]}; keepalive 4; }
     server { listen 127.0.0.1:${port}; location / { proxy_pass http://u${at}; } }`,
  )
  return `pid nginx.pid;
    worker_processes 1;
    events { worker_connections 512; }
    http {
      access_log off;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
      uwsgi_temp_path uwsgi; scgi_temp_path scgi;
      client_max_body_size 0;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream off;
      ${servers.join('\n')}
    }`
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
