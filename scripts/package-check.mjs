// npm run package:check: what would be published is what should be. publint and attw judge the manifest and the types;
// test/package-files.txt lists every file outside dist/ and src/, and dist/ must have one module per source file.
//   --update   writes the list anew
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

const listPath = 'test/package-files.txt'
const node = process.execPath

/** Files that a build of today's sources does not make would be published too. What is not ours is copied. */
function removeStaleOutput() {
  for (const entry of readdirSync('dist', { recursive: true })) {
    if (entry.startsWith('status/web/uPlot.')) continue
    const source = `src/${entry.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts')}`
    if (/\.(js|ts|map)$/.test(entry) && !existsSync(source)) rmSync(`dist/${entry}`)
  }
}

function packedFiles() {
  const text = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const parsed = JSON.parse(text)
  const [pack] = Array.isArray(parsed) ? parsed : Object.values(parsed)
  return pack.files.map((file) => file.path).sort()
}

execFileSync(node, ['scripts/build.mjs'], { stdio: 'inherit' })
removeStaleOutput()
const files = packedFiles()
const problems = []

const listed = files.filter((path) => !/^(dist|src)\//.test(path))
if (process.argv.includes('--update')) writeFileSync(listPath, `${listed.join('\n')}\n`)
const expected = readFileSync(listPath, 'utf8').trim().split('\n')
for (const path of listed)
  if (!expected.includes(path)) problems.push(`packed, but not in ${listPath}: ${path}`)
for (const path of expected)
  if (!listed.includes(path)) problems.push(`in ${listPath}, but not packed: ${path}`)
// A declaration alone (.d.ts) compiles to nothing.
for (const path of files.filter((each) => /^src\/.*(?<!\.d)\.ts$/.test(each))) {
  const module = path.replace(/^src/, 'dist').replace(/\.ts$/, '.js')
  if (!files.includes(module)) problems.push(`${path} is packed without ${module}`)
}
for (const problem of problems) console.error(problem)

execFileSync(node, ['node_modules/publint/src/cli.js', 'run', '.', '--strict', '--pack', 'npm'], {
  stdio: 'inherit',
})
const attw = ['node_modules/@arethetypeswrong/cli/dist/index.js', '--pack', '.', '--profile', 'esm-only']
execFileSync(node, attw, { stdio: 'inherit' })
process.exit(problems.length === 0 ? 0 : 1)
