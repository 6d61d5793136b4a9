/** `option httpchk` and `http-check`: what a health check asks, and what it wants to hear. */
import type { Word } from '../text/word.ts'

/** One round after the other, each on a connection of its own; a check has passed when all of them have. */
export interface HttpCheck {
  readonly rounds: readonly [HttpCheckRound, ...HttpCheckRound[]]
}

/** `http-check connect`: what is not said is as the server's checks have it. */
export interface HttpCheckConnect {
  /** `default`: the protocol is that of the server's checks; otherwise HTTP/1, whatever the server speaks. */
  readonly isDefault: boolean
  readonly proto: 'fcgi' | 'h1' | undefined
  readonly port: number | undefined
  readonly address: Word | undefined
}

/** Text that is sent as it is, or the word of a log format. */
export type CheckText = string | Word

/** A request. */
export interface HttpCheckRound {
  readonly connect: HttpCheckConnect | undefined
  /** Whether `http-check send` has said it. */
  readonly isSaid: boolean
  /** @default 'OPTIONS' */
  readonly method: string
  /** @default '/' */
  readonly uri: CheckText
  /** @default 'HTTP/1.0' */
  readonly version: string
  readonly headers: readonly (readonly [name: string, value: CheckText])[]
  readonly body: CheckText
  /** All of them must hold. None: a status from 200 to 399. */
  readonly expects: readonly HttpExpect[]
}

/** `http-check expect [!] …` */
export type HttpExpect = { readonly negated: boolean } & (
  | { readonly kind: 'status'; readonly ranges: readonly (readonly [from: number, to: number])[] }
  | { readonly kind: 'rstatus' | 'rstring'; readonly pattern: Word }
  | { readonly kind: 'string'; readonly text: string }
)
