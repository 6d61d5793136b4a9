/** Rows of log-cases.ts where sluice differs from HAProxy, to be struck out one by one. */

/** Their configuration is refused: an action is missing. */
export const refused: ReadonlySet<string> = new Set(['tarpit', 'a client that leaves the tarpit', 'reject'])

/** Their lines differ. */
export const known: ReadonlySet<string> = new Set<string>([])
