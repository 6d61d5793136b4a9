/** What the last health check of a server has found, for whoever looks at the proxy. */
export interface CheckStats {
  /** Whether the server was found well. */
  readonly passed: boolean
  /** What the check has found, in HAProxy's words: `Layer7 check passed`. */
  readonly status: string
  /** The status of the answer to `option httpchk`; undefined without one. */
  readonly code: number | undefined
  /** How long the check took, in milliseconds. */
  readonly duration: number
  /** When it ended, in milliseconds since 1970. */
  readonly at: number
  /**
   * What the answer says of the server, when it is a JSON object: its numbers, its texts of up to 200 characters and its truth
   * values, at most 64 of them. php-fpm's `/status?json` has `listen queue`, `idle processes`, `active processes` and more.
   */
  readonly values: Readonly<Record<string, string | number | boolean>>
}
