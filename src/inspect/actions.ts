/**
 * The actions of an ACK, as HAProxy reads them: it stops at the first that is wrong, says nothing, and keeps those before
 * it (`spoe_decode_action`, src/flt_spoe.c). Here it is said which, and why.
 */
import type { Reader } from '../bytes/reader.ts'
import { errorMessage } from '../base/errors.ts'
import { ActionType, scopes, type Scope } from '../spop/ack.ts'
import { readString } from '../spop/string.ts'
import { decodeTypedData, type TypedData } from '../spop/typed-data.ts'
import type { Detail, Finding } from './entry.ts'
import { find } from './rules.ts'
import { describeValue } from './values.ts'

/** What is known about variables, beside what the frame says. */
export interface VariableRules {
  /** HAProxy's `option var-prefix`; undefined when it is not known. */
  readonly varPrefix: string | undefined
}

/** HAProxy writes scope, prefix and name, with dots between them, into 64 bytes, the last of which is the end. */
const longestFullName = 63

const kinds = new Map<number, { readonly name: 'set-var' | 'unset-var'; readonly args: number }>([
  [ActionType.SetVar, { name: 'set-var', args: 3 }],
  [ActionType.UnsetVar, { name: 'unset-var', args: 2 }],
])

/** Reads to the end, or to the first action that HAProxy would stop at; findings go to `findings`. */
export function describeActions(reader: Reader, rules: VariableRules, findings: Finding[]): Detail[] {
  const details: Detail[] = []
  while (reader.remaining > 0) {
    const detail = readAction(reader, details.length + 1, rules, findings)
    if (detail === undefined) break
    details.push(detail)
  }
  return details
}

function readAction(
  reader: Reader,
  index: number,
  rules: VariableRules,
  findings: Finding[],
): Detail | undefined {
  const refuse = (finding: Finding): undefined => void findings.push(finding)
  try {
    const type = reader.uint8()
    const kind = kinds.get(type)
    if (kind === undefined) return refuse(find('action.type', index, type))
    const count = reader.uint8()
    if (count !== kind.args) return refuse(find('action.nb-args', index, count, kind.name, kind.args))
    const code = reader.uint8()
    const scope = scopes[code]
    if (scope === undefined) return refuse(find('action.scope', index, code))
    const name = readString(reader)
    findings.push(...judgeName(scope, name, rules))
    if (kind.name === 'unset-var') return { kind: kind.name, name: `${scope}.${name}`, values: [] }
    const data = decodeTypedData(reader)
    findings.push(...judgeValue(`${scope}.${name}`, data))
    return { kind: kind.name, name: `${scope}.${name}`, values: [describeValue('', data)] }
  } catch (error) {
    return refuse(find('action.undecodable', index, errorMessage(error)))
  }
}

function judgeName(scope: Scope, name: string, { varPrefix }: VariableRules): Finding[] {
  if (!/^[a-zA-Z0-9_.]+$/.test(name)) return [find('variable.name', name)]
  // Every agent has a prefix, its own name by default: one character at least.
  const room = longestFullName - scope.length - 1 - (varPrefix?.length ?? 1) - 1
  const prefix = varPrefix === undefined ? `'${scope}.' and a prefix` : `'${scope}.${varPrefix}.'`
  return name.length > room ? [find('variable.long', name.length, room, prefix)] : []
}

/** All but the tab. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const control = /[\0-\x08\x0a-\x1f\x7f]/

function judgeValue(name: string, data: TypedData): Finding[] {
  if (data.type === 'uint64' && data.value >= 2n ** 63n)
    return [find('value.negative', name, String(data.value))]
  return data.type === 'string' && control.test(data.latin1) ? [find('value.control', name)] : []
}
