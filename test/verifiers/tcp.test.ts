import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { tcp } from '../../src/verifiers/tcp.ts'
import { describeVerifier, noContext } from '../contracts/verifier.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'

describeVerifier('tcp', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).resume())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connect = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const stop = () => new Promise<void>((resolve) => void server.close(() => resolve()))
  return {
    verifier: tcp.create(tcp.schema.parse({ connect }), noContext),
    first: fakeEdition('1'),
    second: fakeEdition('2'),
    switchToSecond() {},
    stop,
    dispose: stop,
  }
})
