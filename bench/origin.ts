/** What a gateway is measured in front of. */

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
