/**
 * Listens on an endpoint: the one way for the agent, the FastCGI responder and the frontends of the proxy. Its owner makes
 * the `net.Server`, or a `tls.Server`, and is told of sockets by it.
 *
 * What comes between accepting a socket and its session has its place in the owner's listener for `connection`: a PROXY
 * protocol header (`accept-proxy`) is read first, then TLS is begun on the same socket, then the session gets what came of
 * it. The agent's TLS (src/agent/listener.ts) is such a stage, of node:tls; frontends have none.
 */
import { chmodSync } from 'node:fs'
import { lstat, stat, unlink } from 'node:fs/promises'
import { Socket } from 'node:net'
import type { AddressInfo, ListenOptions, Server } from 'node:net'
import { dirname } from 'node:path'
import type { Endpoint } from './endpoint.ts'
import { watchDescriptors } from './descriptors.ts'
import { dial } from './dial.ts'
import { keepSocketsQuick } from './socket-copies.ts'

/** How to listen, beside where. */
export interface BindOptions {
  /** Connections that the kernel keeps waiting; not for a descriptor, which listens already. */
  readonly backlog?: number | undefined
  /** Permissions of a unix socket; undefined leaves what the umask gives. */
  readonly mode?: number | undefined
  /**
   * Of a unix socket that is there: `unanswered` removes one that nobody listens on, `any` takes the place of one that is
   * in use, as HAProxy does when it is started beside its predecessor. What is no socket is never removed.
   */
  readonly remove: 'unanswered' | 'any'
  /** Accepting failed later, for want of descriptors for example; it goes on. */
  readonly onAcceptError: (error: NodeJS.ErrnoException) => void
}

/**
 * Binds the server, which must not listen yet. Resolves with where it listens: the port that the kernel chose, when 0 was
 * asked for. Rejects with the error of the system, in words of our own where its word for what is in the way of a unix socket
 * misleads; the server is closed then.
 */
export async function listenOn(server: Server, endpoint: Endpoint, options: BindOptions): Promise<Endpoint> {
  if (endpoint.type === 'unix' && options.remove === 'any' && (await isSocket(endpoint.path))) {
    await unlink(endpoint.path)
  }
  try {
    return await bind(server, endpoint, options)
  } catch (error) {
    if (!isTaken(error) || endpoint.type !== 'unix' || !(await isStale(endpoint)))
      throw await explain(error as NodeJS.ErrnoException, endpoint)
    await unlink(endpoint.path)
    return await bind(server, endpoint, options)
  }
}

/** The same error, or one with the same code that says what is in the way. */
async function explain(error: NodeJS.ErrnoException, endpoint: Endpoint): Promise<NodeJS.ErrnoException> {
  const { code, syscall } = error
  const why = endpoint.type === 'unix' ? await findObstacle(endpoint.path, code) : undefined
  return why === undefined ? error : Object.assign(new Error(why, { cause: error }), { code, syscall })
}

/**
 * What keeps a unix socket from having this path, where the system's `code` for it misleads; undefined where it does not. Abstract
 * names have no file.
 */
export async function findObstacle(path: string, code = 'EADDRINUSE'): Promise<string | undefined> {
  if (path.startsWith('\0')) return undefined
  if (code === 'EADDRINUSE') return describeOccupant(path)
  // libuv says EACCES for ENOENT here.
  return code === 'EACCES' ? describeMissing(dirname(path)) : undefined
}

/** What is at a path that a socket shall have, unless it is a socket. */
async function describeOccupant(path: string): Promise<string | undefined> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats === undefined || stats.isSocket()) return undefined
  if (stats.isDirectory()) return 'there is a directory of that name'
  if (stats.isSymbolicLink()) return 'there is a symbolic link of that name'
  return 'there is a file of that name, which is no socket'
}

/** That a directory does not exist, unless it does or cannot be looked at. */
async function describeMissing(directory: string): Promise<string | undefined> {
  const failure = await stat(directory).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  )
  return failure === 'ENOENT' ? `the directory ${directory} does not exist` : undefined
}

function bind(server: Server, endpoint: Endpoint, options: BindOptions): Promise<Endpoint> {
  const { backlog, mode, onAcceptError } = options
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(listenOptions(endpoint, backlog), () => {
      server.off('error', reject)
      try {
        // At once: nobody has been accepted yet.
        if (endpoint.type === 'unix' && mode !== undefined) chmodSync(endpoint.path, mode)
      } catch (error) {
        server.close()
        return reject(error as Error) // of the system
      }
      server.on('error', onAcceptError)
      watchDescriptors(server, onAcceptError)
      keepSocketsQuick(server)
      resolve(boundEndpoint(endpoint, server.address()))
    })
  })
}

function listenOptions(endpoint: Endpoint, backlog: number | undefined): ListenOptions | { fd: number } {
  const rest = backlog === undefined ? {} : { backlog }
  switch (endpoint.type) {
    case 'tcp':
      return { host: endpoint.host, port: endpoint.port, ...rest }
    case 'unix':
      return { path: endpoint.path, ...rest }
    case 'fd':
      return { fd: endpoint.fd }
  }
}

function boundEndpoint(endpoint: Endpoint, bound: AddressInfo | string | null): Endpoint {
  if (endpoint.type !== 'tcp' || bound === null || typeof bound === 'string') return endpoint
  return { ...endpoint, port: bound.port }
}

function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
}

/** Abstract names have no file. */
async function isSocket(path: string): Promise<boolean> {
  if (path.startsWith('\0')) return false
  const stats = await lstat(path).catch(() => undefined)
  return stats?.isSocket() === true
}

/** Whether it is a socket that refuses connections: nobody listens on it. What may not be touched is not. */
async function isStale(endpoint: Endpoint & { type: 'unix' }): Promise<boolean> {
  if (!(await isSocket(endpoint.path))) return false
  return new Promise((resolve) => {
    dial(
      endpoint,
      { create: () => new Socket(), timeout: undefined },
      {
        onConnected: (socket) => {
          socket.destroy()
          resolve(false)
        },
        onFailed: (_, error) =>
          resolve((error as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED'),
      },
    )
  })
}
