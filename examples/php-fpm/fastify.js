/**
 * PHP within Fastify: a plugin for the scripts, and routes of one's own beside it.
 *
 *     ROOT=/srv/www PHP_FPM=/run/php/php8.2-fpm.sock PORT=8080 node examples/php-fpm/fastify.js
 */
import { once } from 'node:events'
import Fastify from 'fastify'
import serveStatic from 'serve-static'
import { phpFpm } from 'sluice/fcgi'

const root = process.env.ROOT ?? '/srv/www'
const php = phpFpm({
  root,
  socket: process.env.PHP_FPM ?? '/run/php/php8.2-fpm.sock',
  onError: (error, request) => console.error(request.url, error.message),
})
const files = serveStatic(root)

// With @fastify/static, registered with `serve: false`, this is `reply.sendFile(path)`.
function onOther(request, reply) {
  reply.hijack()
  files(request.raw, reply.raw, () => reply.raw.writeHead(404).end('not found\n'))
}

const app = Fastify({ forceCloseConnections: 'idle' })
app.get('/from-node', async () => 'not PHP\n')
app.register(php.fastify, { prefix: '/mounted', onOther })
app.register(php.fastify, { onOther })
app.addHook('onClose', () => php.close())

console.log(`listening on ${await app.listen({ port: Number(process.env.PORT ?? 8080), host: '127.0.0.1' })}`)
await once(process, 'SIGTERM')
await app.close()
