/**
 * No keyword is taken silently: what each one fills in the model is read by the proxy, the samples or the command line.
 * Who reads a field is found by the compiler: the sources are compiled with a model whose fields have other names, and
 * every complaint outside of src/config is a reader.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { keywords, parseConfig, parseSpoeFile } from '#src/config/index.js'
import { keywordFields } from './keyword-fields.ts'
import type { KeywordField } from './keyword-fields.ts'

/** What is obeyed by its type: a rule whose action had no compiler would not compile. */
const isRule = (name: string): boolean =>
  /^(tcp|http)-(request|response|after-response) (?!inspect)/.test(name)

const nameOf = (line: string): string => line.replace(/^no /, '')

test('every keyword that is obeyed is in the table, and nothing else is', () => {
  const obeyed = keywords.filter(({ name, support }) => support === 'yes' && !isRule(name))
  for (const { name, sections } of obeyed) {
    const found = keywordFields.some(
      ({ section, line }) => sections.includes(section) && `${nameOf(line)} `.startsWith(`${name} `),
    )
    assert.ok(found, `'${name}' of ${sections.join()} has no row`)
  }
  for (const { section, line } of keywordFields) {
    const found = obeyed.some(
      ({ name, sections }) => sections.includes(section) && `${nameOf(line)} `.startsWith(`${name} `),
    )
    assert.ok(found, `'${line}' of ${section} is a keyword that is not obeyed`)
  }
})

test('the line of each keyword fills its field', () => {
  for (const row of keywordFields) {
    if (row.field === undefined) continue
    const [before, after] = [false, true].map((used) => read(row, used))
    const field = row.field.replace(/.*\./, '')
    assert.notDeepEqual(fieldsOf(after, field), fieldsOf(before, field), row.line)
  }
})

/** What a line has no effect without. */
const beside: Readonly<Record<string, string>> = {
  'option max-reqs 7': ' option mpxs-conns\n',
}

/** The model with the line, or without. */
function read({ section, line: written }: KeywordField, used: boolean): unknown {
  const line = used ? written : ''
  if (section.startsWith('spoe-')) {
    const own = (which: string): string => (section === which ? ` ${line}\n` : '')
    const text = `spoe-agent a\n use-backend b\n${own('spoe-agent')}${section === 'spoe-agent' ? '' : ' messages m\n groups g\n'}spoe-message m\n${own('spoe-message')}spoe-group g\n${own('spoe-group')}`
    return strip(parseSpoeFile(text, 'f').spoe)
  }
  const head: Readonly<Record<string, string>> = {
    bind: `listen x\n bind unix@/x ${line}\n`,
    server: `listen x\n server s 127.0.0.1:80 ${line} ${written === 'check' ? '' : 'check'}\n`,
    global: `global\n ${line}\n`,
  }
  const listen = written === 'mode http' ? ' bind 127.0.0.1:80\n' : ' mode http\n bind 127.0.0.1:80\n'
  const text =
    head[section] ?? `${section} x\n${section === 'listen' ? listen : (beside[written] ?? '')} ${line}\n`
  return strip(parseConfig({ file: 'f', text }).config)
}

/** Without places, which differ as soon as a line is added. */
function strip(model: unknown): unknown {
  return JSON.parse(
    JSON.stringify(model, (key, value: unknown) =>
      key === 'place' ? undefined : value instanceof Set ? [...(value as Set<unknown>)] : value,
    ) ?? 'null',
  )
}

/** Every value that some object of the model has under that name. */
function fieldsOf(model: unknown, field: string): unknown[] {
  if (typeof model !== 'object' || model === null) return []
  return Object.entries(model).flatMap(([key, value]) => [
    ...(key === field ? [value] : []),
    ...fieldsOf(value, field),
  ])
}

/** Fields that hold the objects whose fields are asked for: hidden by themselves, or all below them would be. */
const containers = new Set(['Proxy.binds', 'Proxy.servers', 'Server.check', 'SpoeConfig.groups'])

/** Those of `fields` that nothing outside of src/config reads. */
function unread(fields: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-readers-'))
  try {
    cpSync('src', join(folder, 'src'), { recursive: true })
    for (const file of ['tsconfig.json', 'tsconfig.base.json', 'package.json'])
      cpSync(file, join(folder, file))
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
    const complaints = [false, true].map((inner) => {
      const hidden = fields.filter((each) => containers.has(each) !== inner)
      if (hidden.length === 0) return ''
      hideFields(folder, hidden)
      return compile(folder)
    })
    return fields.filter((each) => !complaints.some((text) => isRead(each, text)))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function isRead(field: string, complaints: string): boolean {
  const [owner = '', name = ''] = field.split('.')
  const pattern = new RegExp(
    `^src/(?!config/).*Property '${name}' (?:does not exist|is missing).*type '[^']*\\b${owner}\\b`,
    'm',
  )
  return pattern.test(complaints)
}

/** Gives the fields other names, in fresh copies of the files that declare them. */
function hideFields(folder: string, fields: readonly string[]): void {
  for (const path of readdirSync('src/config', { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue
    let text = readFileSync(join('src/config', path), 'utf8')
    for (const field of fields) {
      const [owner = '', name = ''] = field.split('.')
      const declaration = new RegExp(
        `(export interface ${owner} \\{(?:(?!\\n\\}).)*?\\n  readonly )${name}(\\??:)`,
        's',
      )
      text = text.replace(declaration, `$1${name}Hidden$2`)
    }
    writeFileSync(join(folder, 'src/config', path), text)
  }
}

function compile(folder: string): string {
  const args = [
    '-p',
    'tsconfig.json',
    '--noEmit',
    '--incremental',
    'false',
    '--tsBuildInfoFile',
    'null',
    '--pretty',
    'false',
  ]
  const run = spawnSync(resolve('node_modules/.bin/tsc'), args, { cwd: folder, encoding: 'utf8' })
  assert.match(run.stdout, /error TS/, run.stdout + run.stderr)
  return run.stdout
}

/** They are read and kept for statistics that are not there: `support` says so. */
const planted = ['Bind.name', 'Global.node']

test('what each keyword fills is read, and what is planted is found', () => {
  const fields = [...new Set(keywordFields.flatMap(({ field }) => (field === undefined ? [] : [field])))]
  assert.deepEqual(unread([...fields, ...planted]), planted)
})
