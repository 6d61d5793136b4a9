/** Converters of integers and booleans (configuration.txt 7.3.1). */
import { Buffer } from 'node:buffer'
import type { Arguments } from '../arguments.ts'
import type { BuildContext } from '../build-context.ts'
import { toSint } from '../cast.ts'
import { readVariable } from '../fetches/variable.ts'
import {
  add,
  bitAnd,
  bitOr,
  bitXor,
  complement,
  divide,
  modulo,
  multiply,
  negate,
  parseInteger,
  subtract,
} from '../int64.ts'
import type { Integer } from '../value.ts'
import { bin, bool, integerOf, sint } from '../value.ts'
import type { Converter, ConverterSpec } from './spec.ts'
import { plain } from './spec.ts'

type Operation = (a: Integer, b: Integer) => Integer

/** The second operand is written, or in a variable; without its variable there is no result. */
function buildOperation(
  operate: Operation,
): (args: Arguments, context: BuildContext) => Converter | undefined {
  return (args, context) => {
    const written = parseInteger(args.text(0) ?? '')
    if (written !== undefined) return (value) => sint(operate(integerOf(value), written))
    if (!(args.text(0) ?? '').includes('.'))
      return args.wrong(0, `'${args.text(0) ?? ''}' is neither an integer nor a variable name`)
    const variable = readVariable(args, 0, context)
    if (variable === undefined) return undefined
    return (value, stream) => {
      const found = stream.variables(variable.scope)?.get(variable.name)
      const operand = found === undefined ? undefined : toSint(found)
      return operand === undefined ? undefined : sint(operate(integerOf(value), integerOf(operand)))
    }
  }
}

function operation(name: string, doc: string, operate: Operation): ConverterSpec {
  const args = [{ name: 'value', type: 'str' }] as const
  return { name, args, input: 'sint', output: 'sint', doc, build: buildOperation(operate) }
}

function predicate(name: string, doc: string, test: (value: Integer) => boolean): ConverterSpec {
  return plain(name, 'sint', 'bool', doc, (value) => bool(test(integerOf(value))))
}

function unary(name: string, doc: string, operate: (value: Integer) => Integer): ConverterSpec {
  return plain(name, 'sint', 'sint', doc, (value) => sint(operate(integerOf(value))))
}

const isOdd = (value: Integer): boolean => bitAnd(value, 1) === 1

function networkOrder(value: Integer): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(Number(BigInt.asUintN(32, BigInt(value))))
  return bytes
}

/** The registry entries of this file. */
export const integerConverters: readonly ConverterSpec[] = [
  operation('add', 'Plus an integer or a variable.', add),
  operation('sub', 'Minus an integer or a variable.', subtract),
  operation('mul', 'Times an integer or a variable.', multiply),
  operation('div', 'Divided by an integer or a variable; the largest integer when that is 0.', divide),
  operation('mod', 'The rest of the division by an integer or a variable; 0 when that is 0.', modulo),
  unary('neg', 'The opposite.', negate),
  operation('and', 'Bitwise and.', bitAnd),
  operation('or', 'Bitwise or.', bitOr),
  operation('xor', 'Bitwise exclusive or.', bitXor),
  unary('cpl', "Bitwise complement (two's complement).", complement),
  predicate('bool', 'Whether it is not 0.', (value) => value !== 0),
  predicate('not', 'Whether it is 0.', (value) => value === 0),
  predicate('odd', 'Whether it is odd.', isOdd),
  predicate('even', 'Whether it is even.', (value) => !isOdd(value)),
  plain('htonl', 'sint', 'bin', 'The low 32 bits in network order.', (value) =>
    bin(networkOrder(integerOf(value))),
  ),
]
