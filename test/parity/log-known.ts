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
  // Node.js does not say from where a connection that was refused was made.
  'addresses of a server that refuses',
])
