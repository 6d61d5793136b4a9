/** Lists, and configurations that grow: what growth.ts measures. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The pattern with that number, for a matching method; `ip6` is `ip` with networks of IPv6. */
export function patternOf(method: string, at: number): string {
  if (method === 'int') return String(at)
  if (method === 'ip6') return `2001:db8:${(at >> 16).toString(16)}:${(at & 0xffff).toString(16)}::/64`
  if (method === 'ip') return `${1 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}.0/24`
  return method === 'reg' ? `^/path-${at}/thing$` : `/path-${at}/thing`
}

const head = `defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend fe
  bind 127.0.0.1:1
`

const lines = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('\n')

const backends = (count: number): string => lines(count, (at) => `backend b${at}\n  server s 127.0.0.1:80`)

/** A list with so many patterns. */
export const patternList = (method: string, count: number): string =>
  `${lines(count, (at) => patternOf(method, at))}\n`

/** A configuration in a folder of its own, which is removed behind `use`. */
export async function withGrown<Result>(
  kind: string,
  size: number,
  use: (file: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-growth-'))
  const list = join(folder, 'list')
  const file = join(folder, 'haproxy.cfg')
  const write = (text: string) => writeFileSync(file, `${head}${text}\n`)
  if (kind === 'backends by ACLs') {
    const choices = lines(size, (at) => `  acl a${at} path_beg /app${at}/\n  use_backend b${at} if a${at}`)
    write(`${choices}\n${backends(size)}`)
  } else if (kind === 'backends by a map') {
    writeFileSync(list, `${lines(size, (at) => `/app${at}/ b${at}`)}\n`)
    write(`  use_backend %[path,map_beg(${list})]\n${backends(size)}`)
  } else if (kind === 'rules') {
    write(lines(size, (at) => `  http-request set-header X-${at} a if { path_beg /app${at}/ }`))
  } else if (kind === 'map') {
    writeFileSync(list, `${lines(size, (at) => `${patternOf('str', at)} value-${at}`)}\n`)
    write(`  http-request set-header X-Map %[path,map(${list})]`)
  } else {
    writeFileSync(list, patternList(kind, size))
    const fetch = kind.startsWith('ip') ? 'src' : kind === 'int' ? 'src_port' : `path -m ${kind}`
    write(`  http-request deny if { ${fetch} -f ${list} }`)
  }
  try {
    return await use(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
