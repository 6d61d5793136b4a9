// Compiles src/ to dist/, and makes the command executable. tsc writes the modules; the status page is compiled for the
// browser by itself, and gets its style sheet, and the charts that it draws with, as they are.
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'

function compile(project) {
  const args = ['node_modules/typescript/bin/tsc', '-p', project]
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1
}

function copyAll(from, to, wanted) {
  mkdirSync(to, { recursive: true })
  for (const name of readdirSync(from).filter(wanted)) copyFileSync(`${from}/${name}`, `${to}/${name}`)
}

// The incremental record must not outlive its output: tsc would find nothing to do.
if (!existsSync('dist/index.js')) rmSync('.build/src.tsbuildinfo', { force: true })
if (!existsSync('.build/status/web/app.js')) rmSync('.build/status.tsbuildinfo', { force: true })
mkdirSync('.build', { recursive: true })
let status = compile('tsconfig.json')
if (status === 0) status = compile('src/status/web/tsconfig.json')

const page = 'dist/status/web'
if (status === 0) {
  copyAll('.build/status/web', page, (name) => name.endsWith('.js'))
  copyAll('src/status/web', page, (name) => /\.(css|svg)$/.test(name))
  copyAll('node_modules/uplot/dist', page, (name) => /\.min\.(js|css)$/.test(name))
  copyFileSync('node_modules/uplot/LICENSE', `${page}/uPlot.LICENSE`)
}
if (status === 0) copyFileSync('src/inspect/spop.lua', 'dist/inspect/spop.lua')
if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755)
process.exit(status)
