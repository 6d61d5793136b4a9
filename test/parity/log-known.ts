/** Rows of log-cases.ts where sluice differs from HAProxy, to be struck out one by one. */

/** Their configuration is refused: an action is missing. */
export const refused: ReadonlySet<string> = new Set<string>()

/** Their lines differ. */
export const known: ReadonlySet<string> = new Set<string>([
  // HAProxy does not see a reset while it reads nothing; sluice gives the server's place to the next one at once.
  'a client that resets while the server is silent',
  'a client that resets in the body of the answer',
  'a client that resets in the queue',
  // HAProxy takes the default port out of Host, and counts what is left.
  'a tunnel of CONNECT',
  // HAProxy knows of no request when all came in one piece, and answers like a stream when it did not.
  'a chunk with a malformed size',
  'a chunk with a malformed size, 300 ms later',
  'a chunk with a malformed size, with http-buffer-request',
  // 502: no server has switched.
  'a switch that only a rule has made',
  // It is sent again, on another connection.
  'a kept connection that ends under the second request',
  // What of a body nobody wants is not read.
  'deny of a request whose body is larger than a buffer',
  // Node.js does not say from where a connection that was refused was made.
  'addresses of a server that refuses',
])
