/** Converters of variables and addresses (configuration.txt 7.3.1). */
import { unmapIpv6 } from '../address.ts'
import type { Arguments } from '../arguments.ts'
import type { BuildContext } from '../build-context.ts'
import { readVariable } from '../fetches/variable.ts'
import { addr } from '../value.ts'
import type { SetCondition } from '../variables.ts'
import { setConditions } from '../variables.ts'
import type { Converter, ConverterSpec } from './spec.ts'

/** The conditions from an argument on; undefined after a complaint. */
function readConditions(args: Arguments, from: number): SetCondition[] | undefined {
  const conditions: SetCondition[] = []
  for (let at = from; at < args.count; at++) {
    const condition = setConditions.find((each) => each === args.text(at))
    if (condition === undefined)
      return args.wrong(
        at,
        `unknown condition '${args.text(at) ?? ''}'; known are ${setConditions.join(', ')}`,
      )
    conditions.push(condition)
  }
  return conditions
}

/** The value passes through; it fails when it could not be stored. */
function buildSet(args: Arguments, context: BuildContext): Converter | undefined {
  const variable = readVariable(args, 0, context)
  const conditions = readConditions(args, 1)
  if (variable === undefined || conditions === undefined) return undefined
  const { scope, name } = variable
  return (value, stream) =>
    stream.variables(scope)?.set(name, value, conditions) === true ? value : undefined
}

function buildUnset(args: Arguments, context: BuildContext): Converter | undefined {
  const variable = readVariable(args, 0, context)
  if (variable === undefined) return undefined
  const { scope, name } = variable
  return (value, stream) => {
    const store = stream.variables(scope)
    store?.unset(name)
    return store === undefined ? undefined : value
  }
}

function masked(bytes: Uint8Array, mask: Uint8Array): Uint8Array {
  return bytes.map((byte, at) => byte & (mask[at] ?? 0))
}

/** A mapped IPv4 address counts as IPv4; another IPv6 address needs a mask of its own. */
function buildMask(args: Arguments): Converter {
  const mask4 = args.bytes(0)
  const mask6 = args.bytes(1)
  return (value) => {
    if (value.type !== 'ipv4' && value.type !== 'ipv6') return undefined
    const v4 = value.type === 'ipv4' ? value.value : unmapIpv6(value.value)
    if (v4 !== undefined) return mask4 === undefined ? undefined : addr(masked(v4, mask4))
    return mask6 === undefined ? undefined : addr(masked(value.value, mask6))
  }
}

const condition = { name: 'cond', type: 'str', optional: true } as const

/** The registry entries of this file. */
export const stateConverters: readonly ConverterSpec[] = [
  {
    name: 'ipmask',
    args: [
      { name: 'mask4', type: 'mask4' },
      { name: 'mask6', type: 'mask6', optional: true },
    ],
    input: 'addr',
    output: 'ipv4',
    doc: 'The network of an address, with a mask for IPv4 and one for IPv6.',
    build: buildMask,
  },
  {
    name: 'set-var',
    args: [{ name: 'scope.name', type: 'str' }, condition, condition, condition, condition],
    input: 'any',
    output: 'any',
    doc: `Stores the value and passes it on. Conditions: ${setConditions.join(', ')}.`,
    build: buildSet,
  },
  {
    name: 'unset-var',
    args: [{ name: 'scope.name', type: 'str' }],
    input: 'any',
    output: 'any',
    doc: 'Unsets the variable and passes the value on.',
    build: buildUnset,
  },
]
