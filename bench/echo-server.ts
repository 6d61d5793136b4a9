/** The floor: a raw Node TCP echo. Prints its port. */
import { createServer, type AddressInfo } from 'node:net'

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (chunk) => socket.write(chunk))
  socket.on('error', () => socket.destroy())
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
