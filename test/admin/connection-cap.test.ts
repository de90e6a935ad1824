import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { capConnections } from '../../src/admin/connection-cap.ts'
import { testCertificate } from '../fakes/test-certificate.ts'
import { needs } from '../support/parts.ts'

for (const over of ['plain TCP', 'TLS', 'a unix socket'] as const) {
  const isTls = over === 'TLS'
  describe(`capConnections over ${over}`, isTls ? needs('openssl') : {}, () => {
    let folder: string
    let server: Server
    let clients: Socket[]
    /** Answers that wait until a test gives them. */
    let waiting: ServerResponse[]
    beforeEach(async () => {
      waiting = []
      clients = []
      server = isTls ? createTlsServer(testCertificate()) : createServer()
      server.on('request', (request, response) => {
        if (request.url === '/wait') waiting.push(response)
        else if (request.url === '/flood') response.end(Buffer.alloc(32 * 1024 * 1024))
        else request.resume().once('end', () => response.end('ok'))
      })
      capConnections(server, 3)
      folder = mkdtempSync(join(tmpdir(), 'rekeyd-cap-'))
      if (over === 'a unix socket') server.listen(join(folder, 'cap.sock'))
      else server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    })
    afterEach(() => {
      for (const client of clients) client.destroy()
      server.closeAllConnections()
      server.close()
      rmSync(folder, { recursive: true })
    })

    function place() {
      const address = server.address()
      if (typeof address === 'string') return { path: address }
      return { port: address?.port ?? 0, host: '127.0.0.1', rejectUnauthorized: false }
    }

    async function open(): Promise<Socket> {
      const socket = isTls ? connectTls(place()) : connect(place())
      socket.on('error', () => {})
      clients.push(socket)
      await once(socket, isTls ? 'secureConnect' : 'connect')
      return socket
    }

    async function ask(socket: Socket, path = '/'): Promise<string> {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      return String(answer)
    }

    const lives = (...sockets: Socket[]) => sockets.map(({ destroyed }) => !destroyed)

    it('closes that which has been silent the longest', async () => {
      const first = await open()
      const others = [await open(), await open()]
      assert.match(await ask(first), /200 OK/)
      const gone = once(others[0] as Socket, 'close')
      const fourth = await open()
      await gone
      assert.match(await ask(fourth), /200 OK/)
      assert.deepEqual(lives(first, ...others, fourth), [true, false, true, true])
    })

    it('closes one whose request does not come to its end, be it head or body', async () => {
      const [head, body] = [await open(), await open()]
      head.write('GET / HTT')
      body.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx')
      const patient = await open()
      patient.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n')
      while (waiting.length < 1) await new Promise((resolve) => setImmediate(resolve))
      for (const slow of [head, body]) {
        const gone = once(slow, 'close')
        assert.match(await ask(await open()), /200 OK/)
        await gone
      }
      waiting[0]?.end('late')
      const [answer] = (await once(patient, 'data')) as [Buffer]
      assert.match(String(answer), /late/)
    })

    it('closes one that does not read what it asked for', async () => {
      const flooded = await open()
      flooded.pause()
      flooded.write('GET /flood HTTP/1.1\r\nHost: x\r\n\r\n')
      const patient = [await open(), await open()]
      for (const socket of patient) socket.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n')
      while (waiting.length < 2) await new Promise((resolve) => setImmediate(resolve))
      assert.match(await ask(await open()), /200 OK/)
      assert.deepEqual(lives(...patient), [true, true])
    })

    it('turns the next one away while all of them are being answered', async () => {
      const busy = [await open(), await open(), await open()]
      for (const socket of busy) socket.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n')
      while (waiting.length < 3) await new Promise((resolve) => setImmediate(resolve))
      const turned = connect(place())
      clients.push(turned.on('error', () => {}))
      await once(turned, 'close')
      waiting[1]?.end('done')
      await once(busy[1] as Socket, 'data')
      assert.match(await ask(await open()), /200 OK/)
      assert.deepEqual(lives(busy[0] as Socket, busy[2] as Socket), [true, true])
    })

    it('forgets connections that are over', async () => {
      for (let index = 0; index < 20; index += 1) {
        const socket = await open()
        assert.match(await ask(socket), /200 OK/)
        socket.destroy()
      }
      const three = [await open(), await open(), await open()]
      for (const socket of three) assert.match(await ask(socket), /200 OK/)
      assert.deepEqual(lives(...three), [true, true, true])
    })
  })
}
