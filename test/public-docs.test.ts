/** Who uses the package sees what every member of it means: what the exports reach has TSDoc, as tsc hands it on. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import { Declarations, readDeclarations } from './support/declarations.ts'

interface Entry {
  readonly types?: string
}

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Readonly<Record<string, Entry | string>>
}
const entries = Object.values(exports).flatMap((entry) => {
  const types = typeof entry === 'string' ? undefined : entry.types
  return types === undefined ? [] : [posix.normalize(types)]
})

/** What is used of other people's types: their members are what they say. */
const ofOthers = [
  'FastifyInstance',
  'FastifyReply',
  'FastifyRequest',
  'HonoContext',
  'KoaContext',
  'SchemaIssue',
  'StandardSchema',
  'TracingApi',
  'TracingSpan',
  'TracingTracer',
]

test('every member that the exports reach is documented', () => {
  const declarations = new Declarations()
  const reached = [...declarations.reachable(entries)].filter(
    ({ kind, name }) => (kind === 'interface' || kind === 'class') && !ofOthers.includes(name),
  )
  const undocumented = reached.flatMap((type) => {
    const { members } = type
    // One of several signatures, or of a getter and its setter, says it for all.
    const told = new Set(members.filter(({ documented }) => documented).map(({ name }) => name))
    return members
      .filter(({ documented, depth, name }) => !documented && !(depth === 1 && told.has(name)))
      .filter(({ name }) => !declarations.inherits(type, name))
      .map(({ name, line }) => `${type.path}:${line} ${type.name}.${name}`)
  })
  assert.ok(reached.length > 150, `${reached.length} types are reached`)
  assert.deepEqual(undocumented, [])
})

test('members are found where they are, with and without comments', () => {
  const [found] = [
    ...readDeclarations(
      'planted.d.ts',
      `/** A type. */
export interface Planted<T extends { x: 1 }> extends Base {
    /** Told. */
    readonly told: number;
    /* No TSDoc. */
    untold?: string;
    readonly type: 'tag';
    /** Told, over
     * lines. */
    method(options: {
        inner: number;
    }): Promise<{
        result: number;
    }>;
    readonly nested: {
        /** Told. */
        readonly a: number;
        b(): void;
    };
    'quoted'(): void;
    [Symbol.asyncDispose](): Promise<void>;
}`,
    ).values(),
  ]
  assert.deepEqual(
    found?.members.map(({ name, documented, depth }) => [name, documented, depth]),
    [
      ['told', true, 1],
      ['untold', false, 1],
      ['method', true, 1],
      ['nested', false, 1],
      ['a', true, 2],
      ['b', false, 2],
      ["'quoted'", false, 1],
      ['[Symbol.asyncDispose]', false, 1],
    ],
  )
  assert.deepEqual(found?.bases, ['Base'])
})
