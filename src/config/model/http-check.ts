/** `option httpchk` and `http-check`: what a health check asks, and what it wants to hear. */

/** A request; sent as it is written. */
export interface HttpCheck {
  /** @default 'OPTIONS' */
  readonly method: string
  /** @default '/' */
  readonly uri: string
  /** @default 'HTTP/1.0' */
  readonly version: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** All of them must hold. None: a status from 200 to 399. */
  readonly expects: readonly HttpExpect[]
}

/** `http-check expect [!] …` */
export type HttpExpect = { readonly negated: boolean } & (
  | { readonly kind: 'status'; readonly ranges: readonly (readonly [from: number, to: number])[] }
  | { readonly kind: 'rstatus' | 'rstring'; readonly pattern: RegExp }
  | { readonly kind: 'string'; readonly text: string }
)
