/** What may be declared of arguments, and what TypeScript makes of it. */
import type { IpAddress } from '../../net/ip-address.ts'
import type { TypedData } from '../../spop/typed-data.ts'

interface ArgumentTypes {
  /** IPv4 or IPv6. */
  ip: IpAddress
  /** STRING as UTF-8 text. */
  string: string
  /** STRING or BINARY, one character per byte: nothing is lost. */
  latin1: string
  /** BINARY or STRING: a copy of the bytes. */
  binary: Buffer
  /** Any integer type, in the safe range of a number. */
  integer: number
  /** Any integer type. */
  bigint: bigint
  /** BOOLEAN. */
  boolean: boolean
  /** Whatever it is, as on the wire. */
  any: TypedData
}

/** A type of argument. */
export type ArgumentType = keyof ArgumentTypes

/**
 * How an argument is declared: a type; with `?` it may be NULL or missing (a sample that HAProxy could not fetch is
 * NULL) and is then undefined (but `any?` keeps NULL as it is); with `[]` all arguments of that name are collected.
 */
export type ArgumentSpec = ArgumentType | `${ArgumentType}?` | `${ArgumentType}[]`

/** Names and types of a message's arguments. The name `#2` stands for the third argument, whatever its name is. */
export type Schema = Readonly<Record<string, ArgumentSpec>>

/** What a handler gets for a {@link Schema}. */
export type ArgumentsOf<S extends Schema> = { readonly [Name in keyof S]: ArgumentOf<S[Name]> }

type ArgumentOf<Spec extends ArgumentSpec> = Spec extends `${infer Type extends ArgumentType}?`
  ? ArgumentTypes[Type] | undefined
  : Spec extends `${infer Type extends ArgumentType}[]`
    ? readonly ArgumentTypes[Type][]
    : Spec extends ArgumentType
      ? ArgumentTypes[Spec]
      : never
