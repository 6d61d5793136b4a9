// npm run restarts: an agent is killed and started again under load, behind HAProxy and behind sluice; see bench/restarts.ts.
//   --only WORD     the scenarios whose name has the word
//   --runs N        how often each is run, one side after the other (default: 1)
//   --soak M        instead: sluice alone for M minutes, its agent killed each 20 seconds, and its memory watched
//   --pause MS      each client waits so long before it asks again (default: 0)
// In a network of its own where that is allowed (Linux, root): only there are attempts to connect counted.
import { spawnSync } from 'node:child_process'

function run(program, args, options = {}) {
  return spawnSync(program, args, { stdio: 'inherit', ...options }).status
}

for (const args of [['scripts/build.mjs'], ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json']]) {
  const status = run(process.execPath, args)
  if (status !== 0) process.exit(status ?? 1)
}
const alone = ['-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
const isAlone = run('unshare', [...alone, 'true'], { stdio: 'ignore' }) === 0
const command = [process.execPath, '.build/bench/restarts.js', ...process.argv.slice(2)]
const env = { ...process.env, RESTARTS_ALONE: isAlone ? '1' : '' }
process.exit(
  (isAlone ? run('unshare', [...alone, ...command], { env }) : run(command[0], command.slice(1), { env })) ??
    1,
)
